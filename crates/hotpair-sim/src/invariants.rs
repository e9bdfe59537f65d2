//! What must hold: one file for each invariant of docs/design/states.md, checked after every
//! happening or at the end.

mod watch;
mod acknowledged_is_kept;
mod who_acts_has_it;
mod words_in_order;
mod disk_is_memory;
mod answered;
mod both_keep;
mod changes_are_told;
mod config_where_allowed;
mod epochs_grow;
mod failed_commit;
mod gate;
mod healed;
mod one_acts;
mod promised;
mod proven;
mod ready_follows;
mod somebody_acts;

pub(crate) use config_where_allowed::look as look_at_config;
pub(crate) use watch::Watch;
pub(crate) use who_acts_has_it::look as look_who_acts;

use crate::world::World;

/// Which one, and what was seen.
pub(crate) type Broken = (&'static str, String);

/// Checked after every happening.
pub(crate) fn check(world: &mut World) -> Result<(), Broken> {
    world.watch.look(world.now, &world.nodes, &world.net);
    one_acts::check(world).map_err(|it| ("S1/S2 one acts", it))?;
    epochs_grow::check(world).map_err(|it| ("S5 epochs grow", it))?;
    proven::check(world).map_err(|it| ("S3/S7 who acts has it all", it))?;
    promised::check(world).map_err(|it| ("S4 sole before degraded, level after", it))?;
    ready_follows::check(world).map_err(|it| ("S3 ready is level", it))?;
    config_where_allowed::check(world).map_err(|it| ("S8 config where it may be", it))?;
    failed_commit::check(world).map_err(|it| ("S10 a failed commit ends it", it))?;
    changes_are_told::check(world).map_err(|it| ("S13 changes are told", it))?;
    gate::check(world).map_err(|it| ("S14 the gate", it))?;
    somebody_acts::look(world);
    somebody_acts::check(world).map_err(|it| ("L2 somebody acts", it))?;
    healed::look(world);
    Ok(())
}

/// Checked at the end.
pub(crate) fn at_end(world: &World) -> Result<(), Broken> {
    healed::check(world).map_err(|it| ("L1 healed", it))?;
    disk_is_memory::check(world).map_err(|it| ("S9 the disk has what the memory has", it))?;
    acknowledged_is_kept::check(world).map_err(|it| ("S4 acknowledged is kept", it))?;
    both_keep::check(world).map_err(|it| ("S6 both keep what lost", it))?;
    answered::check(world).map_err(|it| ("L3 a command is answered", it))?;
    Ok(())
}
