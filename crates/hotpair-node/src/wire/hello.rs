//! Hello.
use super::{OwnHello, TheirHello, WireError};
use hotpair_protocol as wire;
use hotpair_protocol::{List, Text, VersionRange};

pub(super) fn to_wire(hello: &OwnHello) -> wire::Hello {
    let OwnHello { pair, node, instance, guard_key, settings, engines, api, release } =
        hello.clone();
    let settings = settings.iter().map(|(name, value)| (Text::cut(name), Text::cut(value)));
    wire::Hello {
        versions: VersionRange::OWN,
        data_schema: wire::DATA_SCHEMA_VERSION,
        pair,
        node,
        instance,
        guard_key,
        settings: List::for_sending(settings.collect()),
        engines: List::for_sending(engines),
        api: Text::cut(&api),
        release: Text::cut(&release),
    }
}

pub(super) fn from_wire(hello: wire::Hello) -> Result<TheirHello, WireError> {
    let wire::Hello {
        versions,
        data_schema,
        pair,
        node,
        instance,
        guard_key,
        settings,
        engines,
        api,
        release,
    } = hello;
    let version = VersionRange::OWN.common(versions).map_err(|it| WireError(it.to_string()))?;
    let settings = settings.into_inner().into_iter();
    let settings = settings.map(|(name, value)| (name.into_inner(), value.into_inner())).collect();
    let hello = OwnHello {
        pair,
        node,
        instance,
        guard_key,
        settings,
        engines: engines.into_inner(),
        api: api.into_inner(),
        release: release.into_inner(),
    };
    Ok(TheirHello { hello, version, data_schema })
}
