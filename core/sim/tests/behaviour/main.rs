//! What the server does, a claim a test: the real core against real sessions in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod end_of_rib;
mod feed;
mod feed_history;
mod garbage;
mod refresh;
mod registration;
mod registration_change;
mod reload;
mod shutdown;
mod slow;
mod source_demand;
mod source_guard;
mod source_schedule;
mod stale;
mod subscription;
mod subscription_limit;
mod subscription_own_address;
mod support;
