//! Taking what Alertmanager tells.

use super::App;
use crate::domain::alert::{Step, step};
use crate::domain::incident::PLATFORM;
use crate::domain::told::Told;
use crate::error::{StatusError, StatusResult};
use crate::store::alert::{self, Change, Held};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::AlertId;
use contract::status::{AlertFired, AlertResolved, AlertStatus, Severity, Webhook, WebhookTaken};
use metrics::counter;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

impl App {
    /// Whether who sends alerts knows the secret. Takes as long for a wrong one as for the right one.
    ///
    /// # Errors
    /// [`StatusError::NoReceiver`] where no secret is set, [`StatusError::NotTheSecret`] for another one or none.
    pub(crate) fn is_alertmanager(&self, authorization: Option<&[u8]>) -> StatusResult<()> {
        let secret = self.token.as_ref().ok_or(StatusError::NoReceiver)?;
        let sent = authorization.and_then(bearer).unwrap_or_default();
        let same = verify_slices_are_equal(sent, secret.expose_secret().as_bytes());
        if same.is_err() {
            counter!("status_webhooks_refused_total").increment(1);
        }
        same.map_err(|_| StatusError::NotTheSecret)
    }

    /// Takes the alerts of a notification, in one transaction.
    ///
    /// # Errors
    /// When the database fails, or an event cannot be published; nothing is kept then, and Alertmanager sends it again.
    pub(crate) async fn take(&self, webhook: Webhook) -> StatusResult<WebhookTaken> {
        let now = self.clock.now();
        let sent = webhook.alerts.len();
        let alerts = webhook.alerts.into_iter().take(self.max_alerts);
        let mut told: Vec<Told> = alerts.map(|sent| Told::of(sent, &self.services, now)).collect();
        told.sort_by(|one, other| one.order().cmp(&other.order()));
        let (mut t, mut changed, mut subjects) = (self.db.begin().await?, 0, BTreeSet::new());
        for told in &told {
            if self.hear(&mut t, told, now).await? {
                changed += 1;
            }
            if told.severity == Severity::Critical {
                subjects.insert(told.service.as_deref().unwrap_or(PLATFORM));
            }
        }
        for subject in subjects {
            self.reconcile(&mut t, subject, now).await?;
        }
        t.commit().await?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let left_out = u32::try_from(webhook.truncated_alerts).unwrap_or(u32::MAX);
        let dropped = count(sent - told.len()).saturating_add(left_out);
        let taken = WebhookTaken { processed: count(told.len()), changed, dropped };
        note(&taken);
        Ok(taken)
    }

    /// Takes one alert. Tells whether it began or ended.
    async fn hear(&self, t: &mut Tx, told: &Told, now: Ts) -> StatusResult<bool> {
        let id = AlertId::new();
        if alert::insert(t, id, told, now).await? {
            self.changed(t, id, told, now).await?;
            return Ok(true);
        }
        let Some(Held { id, standing }) = alert::hear_again(t, &told.fingerprint, now).await? else {
            // Swept in between; it is sent again.
            return Ok(false);
        };
        match step(standing, told.status, told.starts_at, now) {
            Step::Nothing => {
                if told.starts_at == standing.starts_at && told.status == standing.status {
                    alert::reword(t, id, told).await?;
                }
                Ok(false)
            }
            Step::EarlierEnd => {
                if !alert::knows_end(t, id, told.starts_at).await? {
                    alert::add_change(t, id, change(told, now), now).await?;
                }
                Ok(false)
            }
            taken @ (Step::Fires | Step::Ends) => {
                let anew = taken == Step::Fires || told.starts_at > standing.starts_at;
                alert::replace(t, id, told, i64::from(anew), now).await?;
                self.changed(t, id, told, now).await?;
                Ok(true)
            }
        }
    }

    /// Writes into the history that an alert began or ended, and tells everybody.
    async fn changed(&self, t: &mut Tx, id: AlertId, told: &Told, now: Ts) -> StatusResult<()> {
        let change = change(told, now);
        alert::add_change(t, id, change, now).await?;
        let (name, severity, service) = (told.name.clone(), told.severity, told.service.clone());
        let published = match told.status {
            AlertStatus::Firing => {
                let starts_at = told.starts_at.to_datetime();
                self.outbox.publish(t, &AlertFired { alert: id, name, severity, service, starts_at }).await
            }
            AlertStatus::Resolved => {
                let ends_at = change.at.to_datetime();
                self.outbox.publish(t, &AlertResolved { alert: id, name, severity, service, ends_at }).await
            }
        };
        published.map(drop).map_err(Into::into)
    }
}

fn change(told: &Told, now: Ts) -> Change {
    let at = match told.status {
        AlertStatus::Firing => told.starts_at,
        AlertStatus::Resolved => told.ends_at.unwrap_or(now),
    };
    Change { status: told.status, starts_at: told.starts_at, at, expired: false }
}

/// The credentials of `Authorization: Bearer ...`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

fn note(taken: &WebhookTaken) {
    let WebhookTaken { processed, changed, dropped } = *taken;
    let add = |outcome, count: u32| {
        counter!("status_alerts_received_total", "outcome" => outcome).increment(u64::from(count));
    };
    add("changed", changed);
    add("known", processed - changed);
    add("dropped", dropped);
    if dropped > 0 {
        tracing::warn!(processed, dropped, "a notification has more alerts than are taken at once");
    }
    tracing::debug!(processed, changed, "alerts were told");
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_secret_stands_behind_bearer_in_any_case() {
        assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"bearer abc"), Some(&b"abc"[..]));
        for other in ["Basic abc", "Bearer", "abc", "", "Bearerabc"] {
            assert_eq!(bearer(other.as_bytes()), None, "{other}");
        }
    }
}
