//! Grants and error codes.

use serde_json::json;
use st2_protocol::{ErrorCode, RpcError};

use super::*;

fn path(path: &str, access: Access) -> Capability {
    Capability::Path { path: path.into(), access }
}

#[test]
fn a_grant_covers_what_is_below_and_less() {
    let granted = Grants::Only(vec![
        path("/data", Access::Write),
        path("/etc", Access::Read),
        Capability::Net { host: "example.com".to_owned() },
        Capability::Datastore { scope: DatastoreScope::System, access: Access::Read },
    ]);
    for (wanted, is_granted) in [
        (path("/data/a/b", Access::Read), true),
        (path("/data", Access::Write), true),
        (path("/database", Access::Read), false),
        (path("/data/../root", Access::Read), false),
        (path("/etc/passwd", Access::Write), false),
        (Capability::Net { host: "example.com".to_owned() }, true),
        (Capability::Net { host: "example.org".to_owned() }, false),
        (Capability::Datastore { scope: DatastoreScope::Local, access: Access::Read }, true),
        (Capability::Datastore { scope: DatastoreScope::Local, access: Access::Write }, false),
        (Capability::Exec, false),
    ] {
        assert_eq!(granted.check(&wanted).is_ok(), is_granted, "{wanted}");
        assert!(Grants::Compatible.check(&wanted).is_ok());
        assert!(Grants::none().check(&wanted).is_err());
    }
}

#[test]
fn only_what_is_asked_for_and_granted_is_allowed() {
    let asked = [Capability::Exec, path("/data/in", Access::Read)];
    let granted = Grants::Only(vec![path("/data", Access::Write)]);
    let both = Grants::intersect(&asked, &granted);
    assert_eq!(both, Grants::Only(vec![path("/data/in", Access::Read)]));
    assert_eq!(Grants::intersect(&[], &Grants::Compatible), Grants::none());
}

#[test]
fn a_refusal_names_the_grant_for_programs_too() {
    let missing = MissingGrant(Capability::Env { name: "HOME".to_owned() });
    let error = RpcError::from(HostError::from(missing));
    assert_eq!(error.code, ErrorCode::NotGranted);
    assert_eq!(error.message, "not granted: env:HOME");
    assert_eq!(error.data, Some(json!({"grant": "env:HOME"})));
}
