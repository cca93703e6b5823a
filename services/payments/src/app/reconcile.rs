//! Compares the provider's books with ours.
//!
//! What the provider knows better is taken over, as if a webhook had told it (one may have been lost). A further charge that
//! keeps money for a payment is let go. What differs then is noted as a finding until the books agree again; nothing else is
//! repaired, because what is right is for people to find out.

use super::{App, Heard, Source};
use crate::domain::charge::{Charge, ChargeState};
use crate::domain::compare::differences;
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::{Asking, Listed};
use crate::store::{finding, list, payment};
use anyhow::anyhow;
use chassis::clock::Ts;
use chassis::stop::Stop;
use contract::ids::CheckoutId;
use contract::payments::{FindingKind, ListFindings, PaymentState, ReconciliationFinding};
use finding::Seen;
use metrics::gauge;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::Instant;

/// What changed less long ago is under way, and compared the next time.
const RESTS: Duration = Duration::from_secs(60);
/// Payments that are looked at in one go.
const AT_ONCE: i64 = 500;

impl App {
    /// Compares the books, from the charges and payments of the last days. Ends early, without closing anything, at the stop.
    ///
    /// # Errors
    /// When the provider gives no answer or the database fails.
    pub(crate) async fn reconcile(&self, stop: &Stop) -> PaymentsResult<()> {
        let began = self.clock.now();
        let (since, rested) = (began - self.reconcile_window, began - RESTS - self.provider_timeout * 2);
        let mut listed = HashSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.page(since, after.as_deref()).await?;
            for charge in &page.charges {
                listed.extend(charge.checkout);
                self.compare(charge, rested).await?;
            }
            after = page.next;
            if stop.is_stopping() {
                return Ok(());
            }
            if after.is_none() {
                break;
            }
        }
        self.look_for_missing(&listed, since, rested).await?;
        let mut t = self.db.begin().await?;
        let closed = finding::close(&mut t, since, began, self.clock.now()).await?;
        t.commit().await?;
        let open = finding::count_open(&self.db).await?;
        for kind in FindingKind::ALL {
            let count = open.iter().find(|(open, _)| open == kind).map_or(0, |(_, count)| *count);
            gauge!("payment_findings_open", "kind" => kind.as_str()).set(count as f64);
        }
        tracing::info!(
            charges = listed.len(),
            open = open.len(),
            closed,
            "the provider's books were compared"
        );
        Ok(())
    }

    async fn page(&self, since: Ts, after: Option<&str>) -> PaymentsResult<Listed> {
        let until = Instant::now() + self.provider_timeout;
        let page = self.timed("list", until, self.provider.list(since, after)).await;
        page.map_err(|error| {
            PaymentsError::Defect(anyhow!(error).context("the provider's books cannot be read"))
        })
    }

    /// Compares one charge with its payment. A charge that was not made for a payment of ours is somebody else's.
    async fn compare(&self, charge: &Charge, rested: Ts) -> PaymentsResult<()> {
        let Some(checkout) = charge.checkout else { return Ok(()) };
        let Some(record) = payment::find(&self.db, checkout).await? else {
            return match charge.created_at < rested {
                true => self.note(FindingKind::UnknownCharge, charge, "no payment is known for it").await,
                false => Ok(()),
            };
        };
        if record.reference.as_ref().is_some_and(|reference| *reference != charge.reference) {
            return self.meet_second(charge).await;
        }
        let heard = Heard::Charge(Box::new(charge.clone()));
        let record = match self.is_news(&record, &heard) {
            true => self.settle(&record, heard, Source::Reconciliation).await?,
            false => record,
        };
        if is_at_rest(&record, rested) {
            for (kind, detail) in differences(&record, charge) {
                self.note(kind, charge, &detail).await?;
            }
        }
        Ok(())
    }

    /// A further charge for a payment: it is noted, and let go when it keeps money.
    async fn meet_second(&self, charge: &Charge) -> PaymentsResult<()> {
        match charge.state {
            ChargeState::Failed | ChargeState::Canceled => return Ok(()),
            ChargeState::Captured => {}
            ChargeState::Processing | ChargeState::RequiresAction | ChargeState::Authorized => {
                let asking =
                    Asking { reference: charge.reference.clone(), key: format!("{}:void", charge.reference) };
                let until = Instant::now() + self.provider_timeout;
                if let Err(error) = self.timed("void", until, self.provider.void(&asking)).await {
                    tracing::warn!(charge = charge.reference, %error, "a further charge was not let go yet");
                }
            }
        }
        self.note(FindingKind::SecondCharge, charge, "the payment has another charge").await
    }

    async fn note(&self, kind: FindingKind, charge: &Charge, detail: &str) -> PaymentsResult<()> {
        let (payment, reference) = (charge.checkout, Some(charge.reference.clone()));
        let seen =
            Seen { kind, payment, reference, detail: detail.to_owned(), subject_at: charge.created_at };
        self.note_all(vec![seen]).await
    }

    async fn note_all(&self, all: Vec<Seen>) -> PaymentsResult<()> {
        let mut t = self.db.begin().await?;
        for seen in all {
            tracing::error!(kind = %seen.kind, payment = ?seen.payment, charge = seen.reference, seen.detail,
                "the provider's books differ from ours");
            finding::note(&mut t, &seen, self.clock.now()).await?;
        }
        Ok(t.commit().await?)
    }

    /// Notes payments whose amount is kept or was taken, as we think, and for which the provider has listed no charge.
    async fn look_for_missing(
        &self,
        listed: &HashSet<CheckoutId>,
        since: Ts,
        rested: Ts,
    ) -> PaymentsResult<()> {
        let mut after = None;
        loop {
            let records = list::list_rested(&self.db, since, rested, after, AT_ONCE).await?;
            after = records.last().map(|last| last.id);
            let holds = |record: &&Record| {
                let is_good = record.captured > 0 || record.standing.state == PaymentState::Authorized;
                is_good && !record.amount.is_zero() && !listed.contains(&record.id)
            };
            let missing = |record: &Record| Seen {
                kind: FindingKind::MissingCharge,
                payment: Some(record.id),
                reference: record.reference.clone(),
                detail: format!("the payment is {}, and the provider has no charge", record.standing.state),
                subject_at: record.created_at,
            };
            let all: Vec<Seen> = records.iter().filter(holds).map(missing).collect();
            if !all.is_empty() {
                self.note_all(all).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// What reconciliation found.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn findings(&self, query: ListFindings) -> PaymentsResult<Vec<ReconciliationFinding>> {
        Ok(finding::list(&self.db, query).await?)
    }
}

/// Whether nothing about it is under way.
fn is_at_rest(record: &Record, rested: Ts) -> bool {
    record.updated_at < rested && record.standing.wish.is_none() && record.refunding == 0
}
