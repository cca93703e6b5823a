//! How the platform is, all in all.

use contract::status::{Impact, Overall, ServiceState};

/// The worst of what the services and the open incidents say. A part of the services is away: a part of the platform does not
/// work; half of them: most of it does not. Where nobody has looked it is not known, and that nothing bad is known of the rest
/// does not make it good.
#[must_use]
pub fn overall(services: &[ServiceState], open: impl IntoIterator<Item = Impact>) -> Overall {
    let count = |state| services.iter().filter(|it| **it == state).count();
    let (down, degraded, unknown) =
        (count(ServiceState::Down), count(ServiceState::Degraded), count(ServiceState::Unknown));
    let measured = match () {
        () if down > 0 && down * 2 >= services.len() => Overall::MajorOutage,
        () if down > 0 => Overall::PartialOutage,
        () if degraded > 0 => Overall::Degraded,
        () if unknown > 0 || services.is_empty() => Overall::Unknown,
        () => Overall::Operational,
    };
    let said = open.into_iter().map(|impact| match impact {
        Impact::Minor => Overall::Degraded,
        Impact::Major => Overall::PartialOutage,
        Impact::Critical => Overall::MajorOutage,
    });
    // The values stand in the order of how bad they are.
    said.fold(measured, Overall::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceState::{Degraded, Down, Operational, Unknown};

    fn of(services: &[ServiceState]) -> Overall {
        overall(services, [])
    }

    #[test]
    fn the_worst_counts() {
        assert_eq!(of(&[Operational, Operational]), Overall::Operational);
        assert_eq!(of(&[Operational, Degraded, Operational]), Overall::Degraded);
        assert_eq!(of(&[Operational, Down, Operational]), Overall::PartialOutage);
        assert_eq!(of(&[Degraded, Down]), Overall::MajorOutage);
    }

    #[test]
    fn where_nobody_looked_it_is_not_well() {
        assert_eq!(of(&[]), Overall::Unknown);
        assert_eq!(of(&[Operational, Unknown]), Overall::Unknown);
        assert_eq!(of(&[Degraded, Unknown]), Overall::Degraded);
    }

    #[test]
    fn an_open_incident_makes_it_worse_and_never_better() {
        assert_eq!(overall(&[Operational], [Impact::Minor, Impact::Major]), Overall::PartialOutage);
        assert_eq!(overall(&[Down], [Impact::Minor]), Overall::MajorOutage);
        assert_eq!(overall(&[Unknown], [Impact::Critical]), Overall::MajorOutage);
    }
}
