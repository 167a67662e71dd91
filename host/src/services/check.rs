//! Whether a plugin may call another one's service, and whether that one offers it. Pure.
//!
//! Which failure is told first: what the caller's author can see in the caller alone, then what runs, then what that has.

use plugin_protocol::{Dependency, Manifest, SERVICE_DEPTH, ServiceCall, ServiceDescription, ServiceFailure};

/// Who is called, as the caller declares it.
///
/// # Errors
///
/// It is the caller itself or is not declared, or too many calls lie within each other.
pub fn callee<'m>(caller: &'m Manifest, call: &ServiceCall, depth: u32) -> Result<&'m Dependency, ServiceFailure> {
    if caller.name.as_str() == call.plugin {
        return Err(ServiceFailure::Own);
    }
    let is_meant = |dependency: &&Dependency| dependency.name.as_str() == call.plugin;
    let Some(declared) = caller.depends.iter().find(is_meant) else {
        return Err(ServiceFailure::NotDeclared);
    };
    if depth > SERVICE_DEPTH {
        return Err(ServiceFailure::TooDeep { limit: SERVICE_DEPTH });
    }
    Ok(declared)
}

/// Whether what runs, a version that is in the caller's range or not, is what the caller declares, and has the service.
///
/// # Errors
///
/// Its version is another, or it offers no service of that name.
pub fn offered(
    declared: &Dependency,
    service: &str,
    (version, is_in_range): (&str, bool),
    services: &[ServiceDescription],
) -> Result<(), ServiceFailure> {
    if !is_in_range {
        return Err(ServiceFailure::WrongVersion {
            version: version.to_owned(),
            range: declared.range.clone(),
        });
    }
    if services.iter().any(|offered| offered.name == service) {
        return Ok(());
    }
    Err(no_such(services))
}

/// It has none of that name, but these.
pub(super) fn no_such(services: &[ServiceDescription]) -> ServiceFailure {
    ServiceFailure::NoSuchService {
        known: services.iter().map(|offered| offered.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> Manifest {
        let manifest = r#"{"name":"shop","version":"1.0.0","abi":"1.0.0","target":"t","depends":[
            {"name":"economy","range":">=1.2"},{"name":"levels","range":"","optional":true}]}"#;
        serde_json::from_str(manifest).unwrap()
    }

    fn call(plugin: &str) -> ServiceCall {
        ServiceCall {
            plugin: plugin.to_owned(),
            service: "balance".to_owned(),
            ..ServiceCall::default()
        }
    }

    #[test]
    fn only_what_is_declared_is_called_and_not_without_end() {
        let shop = shop();
        for plugin in ["economy", "levels"] {
            assert_eq!(
                callee(&shop, &call(plugin), SERVICE_DEPTH).unwrap().name.as_str(),
                plugin
            );
        }
        assert_eq!(callee(&shop, &call("shop"), 1), Err(ServiceFailure::Own));
        for plugin in ["moderation", "", "Economy"] {
            assert_eq!(
                callee(&shop, &call(plugin), 1),
                Err(ServiceFailure::NotDeclared),
                "{plugin}"
            );
        }
        let deep = callee(&shop, &call("economy"), SERVICE_DEPTH + 1);
        assert_eq!(deep, Err(ServiceFailure::TooDeep { limit: SERVICE_DEPTH }));
    }

    #[test]
    fn what_runs_must_fit_and_have_it() {
        let shop = shop();
        let services = [ServiceDescription {
            name: "balance".to_owned(),
            ..ServiceDescription::default()
        }];
        let economy = &shop.depends[0];
        assert_eq!(offered(economy, "balance", ("1.2.0", true), &services), Ok(()));
        assert_eq!(
            offered(economy, "balance", ("1.1.9", false), &services),
            Err(ServiceFailure::WrongVersion {
                version: "1.1.9".to_owned(),
                range: ">=1.2".to_owned()
            })
        );
        assert_eq!(
            offered(economy, "transfer", ("1.2.0", true), &services),
            Err(ServiceFailure::NoSuchService {
                known: vec!["balance".to_owned()]
            })
        );
    }
}
