//! The messages a session itself has to send: held as facts, encoded when the socket can take them.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::config::Families;
use crate::wire::{AfiSafi, Notification, Open, RefreshKind, RouteRefresh, encode_keepalive};

/// What waits to be sent. Two KEEPALIVEs that wait are one; so nothing here can grow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Control {
    open: Option<Open>,
    keepalive: bool,
    refresh: Families,
    notification: Option<Notification>,
    is_ended: bool,
}

impl Control {
    pub(super) fn push_open(&mut self, open: Open) {
        self.open = Some(open);
    }

    pub(super) fn push_keepalive(&mut self) {
        self.keepalive = true;
    }

    pub(super) fn push_refresh(&mut self, family: AfiSafi) {
        match family {
            AfiSafi::IPV4_UNICAST => self.refresh.v4 = true,
            AfiSafi::IPV6_UNICAST => self.refresh.v6 = true,
            _ => {}
        }
    }

    /// Drops all that waits; `notification` is the last thing ever said, or silence is.
    pub(super) fn end(&mut self, notification: Option<Notification>) {
        if !self.is_ended {
            *self = Self { notification, is_ended: true, ..Self::default() };
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_none() && !self.keepalive && self.refresh.is_empty() && self.notification.is_none()
    }

    /// Appends all that waits to `out`: OPEN before KEEPALIVE before the rest.
    pub(super) fn drain_into(&mut self, out: &mut Vec<u8>) {
        if let Some(notification) = self.notification.take() {
            notification.encode(out);
        }
        if let Some(open) = self.open.take() {
            open.encode(out);
        }
        if core::mem::take(&mut self.keepalive) {
            encode_keepalive(out);
        }
        let kind = RefreshKind::Request;
        for family in core::mem::take(&mut self.refresh).iter() {
            RouteRefresh { family, kind }.encode(out);
        }
    }
}
