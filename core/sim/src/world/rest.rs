//! A look at everything, now and then; and the last look, when all should be quiet.

use std::collections::BTreeMap;
use std::rc::Rc;

use bgplite_core::time::Duration;

use super::World;
use super::link::{Phase, Speaker};
use super::oracle::FarEnd;
use super::queue::Event;
use super::table::difference;
use super::trace::Trace;

impl World<'_> {
    pub(super) fn audit(&mut self) {
        let now = self.now;
        self.queue.push(now + AUDIT, Event::Audit);
        if self.node.server.is_some() && !self.is_asleep() {
            let late =
                self.links.iter().filter(|(_, link)| link.phase == Phase::Open).find_map(|(conn, link)| {
                    let is_able = link.batch.is_empty();
                    let late = link.watch.check_keepalive(now).err().filter(|_| is_able);
                    late.or_else(|| link.watch.check_hold(now).err()).map(|late| (*conn, late))
                });
            if let Some((conn, late)) = late {
                self.check(conn, Err(late));
            }
            self.check_loiterers();
            self.check_registry();
        }
        if !self.is_healed {
            return;
        }
        match self.unrest() {
            None => self.finish(),
            Some(what) if now - super::START >= self.params.faulty + self.params.settle => {
                self.fail(format!("{} s after the last fault {what}", self.params.settle.as_secs()));
            }
            Some(_) => {}
        }
    }

    /// Nobody whom we do not know keeps a place for long without a session.
    fn check_loiterers(&mut self) {
        let now = self.now;
        let loiterer = self.links.iter().find(|(_, link)| {
            let is_nobody = match link.far_end() {
                Some(far) => matches!(self.oracle.identify(&far), Some((None, _))),
                None => !self.oracle.may_know(link.local, link.remote.ip().to_canonical()),
            };
            let is_waiting = link.phase == Phase::Open && !link.watch.is_up;
            is_waiting && link.is_nobody && is_nobody && now - link.since > LOITER
        });
        if let Some((conn, _)) = loiterer {
            let conn = *conn;
            self.check(conn, Err("nobody we know, and no session after a minute".into()));
        }
    }

    /// Why it is not quiet; `None` when every client has what it should, and nothing moves.
    fn unrest(&mut self) -> Option<String> {
        if self.node.server.is_none() {
            return Some("the server is not there".into());
        }
        if !self.node.asked.is_empty() {
            return Some(format!("{} commands are not answered", self.node.asked.len()));
        }
        if let Some(what) = self.forgotten() {
            return Some(what);
        }
        // Clients of one identity share one session.
        let mut served: BTreeMap<_, Option<String>> = BTreeMap::new();
        for index in 0..self.clients.len() {
            let Some(person) = self.clients.get(index).map(|client| client.person.clone()) else { continue };
            let far = FarEnd {
                local: person.local,
                address: person.address,
                asn: person.asn.0,
                router_id: person.router_id,
            };
            let who = format!("client {index} ({} AS {})", person.address, person.asn);
            let links = self.links.values().filter(|link| link.client == Some(index));
            let up = links.filter(|link| link.is_client_up() && link.watch.is_up).count();
            let Some((entry, identity)) = self.oracle.identify(&far) else {
                if up > 0 {
                    return Some(format!("{who} has a session, and is not configured"));
                }
                continue;
            };
            let allowed = entry.map_or(bgplite_core::config::Families::BOTH, |entry| entry.families);
            if allowed.intersection(person.families).is_empty() {
                continue;
            }
            let problem = match up {
                0 => Some(format!("{who} has no session")),
                1 => self.wrong(index).map(|what| format!("{who}: {what}")),
                _ => return Some(format!("{who} has {up} sessions")),
            };
            let slot = served.entry(identity).or_insert_with(|| problem.clone());
            if slot.is_some() {
                *slot = problem;
            }
        }
        served.into_values().flatten().next()
    }

    /// What is wrong with what an established client holds.
    fn wrong(&mut self, index: usize) -> Option<String> {
        let link = self.links.values().find(|link| link.client == Some(index) && link.is_client_up())?;
        let Speaker::Session { table, .. } = &link.speaker else { return None };
        let far = link.far_end()?;
        let (entry, _) = self.oracle.identify(&far)?;
        let wish = self.oracle.wish(entry, &far, link.watch.families);
        let due = self.oracle.due(&wish);
        if due.instead.is_none() && *table != *due.table {
            return Some(difference(table, &due.table));
        }
        if let Err(what) = link.watch.is_satisfied(table) {
            return Some(what);
        }
        if link.up.len() > 0 || link.down.len() > 0 || !link.batch.is_empty() {
            return Some("bytes are on their way".into());
        }
        // A first body that its guard holds back waits for an operator.
        let is_idle = |name: &String| {
            let stock = &self.oracle.stock;
            stock.feed(name).is_none_or(|feed| feed.is_loaded) || stock.is_waiting_for_operator(name)
        };
        (!wish.feeds.iter().all(is_idle)).then(|| "a feed has not loaded".into())
    }

    fn finish(&mut self) {
        self.say(format_args!("all is quiet"));
        self.is_over = true;
        let mut hash = Trace::new(None);
        let mut known: Vec<(usize, Rc<str>)> = Vec::new();
        for link in self.links.values().filter(|link| link.is_client_up()) {
            let (Some(client), Speaker::Session { table, .. }) = (link.client, &link.speaker) else {
                continue;
            };
            known.push((client, format!("{table:?}").into()));
        }
        known.sort();
        for (client, table) in known {
            hash.word(client as u64);
            hash.bytes(table.as_bytes());
        }
        self.table_hash = hash.hash();
    }
}

/// How long somebody unknown may take to establish a session.
const LOITER: Duration = Duration::from_secs(61);
const AUDIT: Duration = Duration::from_secs(10);
