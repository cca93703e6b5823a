//! Knowledge bases: documents of one's own that answers may rest on.
