//! What must come of any state once nothing more goes wrong.

use bgplite_core::session::State;
use bgplite_core::time::{Duration, Instant};

use super::link::Link;
use super::{Collision, CollisionEvent, FEED, LinkEvent, Phase};
use crate::model::pipe::SOON;
use crate::model::{Model, Violation};

/// How long the peer waits before it connects again (RFC 4271 8 suggests two minutes; routers do with less).
const CONNECT_RETRY: Duration = Duration::from_secs(1);

/// How long a connection that never says anything may stay: the wait for an OPEN, and the linger.
const AT_LAST: Duration = Duration::from_secs(62);

/// Everything arrives, every timer fires in time, and a peer without a connection opens one. Then a configured peer
/// is Established soon, with all its routes; one that was removed has no connection at last; and a server that was
/// asked to stop says soon that it has.
pub(super) fn settle(mut model: Collision, trace: &mut Vec<CollisionEvent>) -> Result<(), Violation> {
    let mut apply = |model: &mut Collision, event| {
        trace.push(event);
        model.apply(event)
    };
    let start = model.now;
    loop {
        while let Some(event) = prompt(&model) {
            apply(&mut model, event)?;
        }
        let (is_there, end, violation) = match model.phase {
            Phase::Serving => (is_served(&model)?, start + SOON, Violation::LockedOut),
            Phase::Removed => (model.links.is_empty(), start + AT_LAST, Violation::NeverEnds),
            Phase::Stopping => (false, start + SOON, Violation::NeverEnds),
            Phase::Stopped => (true, start, Violation::NeverEnds),
        };
        if is_there {
            return Ok(());
        }
        let wants_another =
            model.phase == Phase::Serving && !model.links.iter().any(|link| link.client.is_alive());
        if wants_another && model.now + CONNECT_RETRY <= end {
            pass(&mut model, CONNECT_RETRY, &mut apply)?;
            apply(&mut model, CollisionEvent::Accept)?;
            continue;
        }
        match next_timer(&model) {
            Some((at, event)) if at <= end && !wants_another => apply(&mut model, event)?,
            _ => return Err(violation),
        }
    }
}

/// What happens when nothing goes wrong and no time passes.
fn prompt(model: &Collision) -> Option<CollisionEvent> {
    model.links.iter().find_map(|link| Some(CollisionEvent::On(link.conn, link.prompt()?)))
}

/// The timer that fires first, on whatever side.
fn next_timer(model: &Collision) -> Option<(Instant, CollisionEvent)> {
    let server = model.server.poll_timeout().map(|(at, _)| (at, CollisionEvent::ServerTimer));
    let clients = model.links.iter().filter_map(|link| {
        Some((link.client.deadline()?, CollisionEvent::On(link.conn, LinkEvent::ClientTimer)))
    });
    server.into_iter().chain(clients).min_by_key(|(at, _)| *at)
}

/// Lets time pass, timer by timer.
fn pass(
    model: &mut Collision,
    duration: Duration,
    apply: &mut impl FnMut(&mut Collision, CollisionEvent) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let end = model.now + duration;
    while let Some((_, event)) = next_timer(model).filter(|(at, _)| *at <= end) {
        apply(model, event)?;
        while let Some(event) = prompt(model) {
            apply(model, event)?;
        }
    }
    model.now = model.now.max(end);
    Ok(())
}

/// Whether the peer has its session, and by it all that it should have.
fn is_served(model: &Collision) -> Result<bool, Violation> {
    let is_up = |link: &&Link| model.is_established(link);
    let Some(link) = model.links.iter().find(is_up) else {
        return Ok(false);
    };
    let is_alone = model.states().iter().filter(|(_, state)| *state == State::Established).count() == 1;
    let feed: Vec<String> = link.client.routes.iter().map(ToString::to_string).collect();
    if is_alone && feed == [FEED] && link.client.end_of_rib == 1 {
        Ok(true)
    } else {
        Err(Violation::WrongRoutes)
    }
}
