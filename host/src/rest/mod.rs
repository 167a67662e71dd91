//! The one REST client: raw requests with their path checked.
