//! Identifiers: UUIDv7 (RFC 9562), each noun its own type so that one cannot stand for another.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new identifier; later ones sort behind earlier ones.
            #[must_use]
            #[allow(clippy::new_without_default, reason = "an identifier is made on purpose, never by default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for a store.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A person's account.
    UserId;
    /// One login on one device, and the family of its refresh tokens.
    SessionId;
    /// A tenant.
    OrganizationId;
    /// An invitation to an organisation.
    InvitationId;
    /// A line of the audit log.
    AuditId;
    /// Something that is sold.
    ProductId;
    /// A place in the tree of categories.
    CategoryId;
    /// Who makes a product.
    BrandId;
    /// A basket.
    CartId;
    /// What somebody bought.
    OrderId;
    /// One attempt to turn an order into a sale: the id of its saga, of its reservation of stock and of its payment.
    CheckoutId;
    /// Money given back.
    RefundId;
    /// One change of stock.
    MovementId;
    /// What a buyer says about a product.
    ReviewId;
    /// Something that somebody has to do.
    TodoId;
    /// A list of what somebody has to do.
    TodoListId;
    /// One message to one person.
    NotificationId;
    /// Something that an organisation plans.
    EventId;
    /// A calendar feed of one person.
    CalendarLinkId;
    /// What somebody and the assistant have said to each other.
    ConversationId;
    /// A question to the assistant, or its answer.
    MessageId;
    /// Documents that answers of the assistant may rest on.
    KnowledgeBaseId;
    /// A document of a knowledge base.
    DocumentId;
    /// Something that the assistant would do when the person confirms it.
    ProposalId;
    /// An alert of the monitoring.
    AlertId;
    /// Something that did not work, for everybody to know.
    IncidentId;
    /// A key of a program.
    ApiKeyId;
}
