//! The routine as ESA has it.

use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::esa::code::{
    self, CommitRoutineStagingCode, CreateRoutineCodeDeployment, DeleteRoutineCodeVersion,
    GetRoutineStagingCodeUploadInfo, ListRoutineCodeVersions, PublishRoutineCodeVersion,
};
use miaobu_aliyun::esa::routes::{CreateRoutineRoute, ListRoutineRoutes, UpdateRoutineRoute};
use miaobu_aliyun::esa::routine::{CreateRoutine, GetRoutine, GetRoutineStagingEnvIp};
use miaobu_aliyun::esa::{Env, Switch};

use super::bundle::hash_in;
use super::{Bundle, Error, Share, State, Version};
use crate::provider::aliyun::EsaAccount;

/// Versions a page, of which there are two.
const PAGE: u32 = 20;
const ROUTE: &str = "miaobu";

/// One of a routine's two environments, and where it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Reached only by those who test.
    Staging,
    /// What visitors reach.
    Production,
}

impl Place {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    fn env(self) -> Env {
        match self {
            Self::Staging => Env::Staging,
            Self::Production => Env::Production,
        }
    }
}

/// The routine of an account.
#[derive(Debug)]
pub struct Cloud {
    /// The account.
    pub account: EsaAccount,
    /// The routine's name.
    pub name: String,
    /// Which requests it gets, in the language of ESA's rules.
    pub rule: String,
}

impl Cloud {
    /// Makes the routine unless it is there.
    pub async fn create(&self) -> Result<(), Error> {
        let description = Some("The edge of Miaobu".to_owned());
        let create = CreateRoutine { name: self.name.clone(), description, has_assets: None };
        match self.account.esa().call(&create).await {
            Err(error) if error.kind != ErrorKind::Conflict => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Has requests come to the routine, unless a route that somebody else made sends it some already. Ours is changed where
    /// it chooses others.
    pub async fn route(&self) -> Result<(), Error> {
        let list = ListRoutineRoutes { routine_name: self.name.clone(), ..ListRoutineRoutes::default() };
        let found = self.account.esa().call(&list).await?.configs;
        if let Some(ours) = found.iter().find(|route| route.route_name == ROUTE && route.rule != self.rule) {
            let update = UpdateRoutineRoute {
                site_id: self.account.site_id().await?,
                config_id: ours.config_id,
                rule: Some(self.rule.clone()),
                ..UpdateRoutineRoute::default()
            };
            return Ok(self.account.esa().call(&update).await.map(drop)?);
        }
        if !found.is_empty() {
            return Ok(());
        }
        let route = CreateRoutineRoute {
            site_id: self.account.site_id().await?,
            routine_name: self.name.clone(),
            route_name: ROUTE.to_owned(),
            route_enable: Switch::On,
            rule: self.rule.clone(),
            ..CreateRoutineRoute::default()
        };
        Ok(self.account.esa().call(&route).await.map(drop)?)
    }

    /// Returns what ESA says; an empty state where there is no routine.
    pub async fn state(&self) -> Result<State, Error> {
        let routine = match self.account.esa().call(&GetRoutine { name: self.name.clone() }).await {
            Err(error) if error.is_not_found() => return Ok(State::default()),
            other => other?,
        };
        let shares = |place: Place| {
            let env = routine.envs.iter().find(|env| env.env.eq_ignore_ascii_case(place.name()));
            let running = env.into_iter().flat_map(|env| &env.code_deploy.code_versions);
            let share = running.map(|running| Share {
                version: running.code_version.clone(),
                percent: u8::try_from(running.percentage).unwrap_or_default(),
            });
            share.collect()
        };
        let mut versions = Vec::new();
        for page in 1..=2 {
            let list = ListRoutineCodeVersions {
                name: self.name.clone(),
                search_key_word: None,
                page_number: Some(page),
                page_size: Some(PAGE),
            };
            let found = self.account.esa().call(&list).await?.code_versions;
            let more = found.len() == PAGE as usize;
            versions.extend(found);
            if !more {
                break;
            }
        }
        // What was uploaded and is no version yet has no number.
        versions.retain(|version| version.code_version.bytes().all(|byte| byte.is_ascii_digit()));
        versions.sort_by(|one, other| {
            let (one, other) = (&one.code_version, &other.code_version);
            (other.len(), other).cmp(&(one.len(), one))
        });
        let known = |version: code::ListedCodeVersion| Version {
            hash: hash_in(&version.code_description),
            number: version.code_version,
            description: version.code_description,
            created: version.create_time,
        };
        let versions = versions.into_iter().map(known).collect();
        Ok(State { versions, staging: shares(Place::Staging), production: shares(Place::Production) })
    }

    /// Uploads code, which is no version yet.
    pub async fn upload(&self, bundle: &Bundle, description: &str) -> Result<(), Error> {
        let code_description = Some(description.to_owned());
        let info = GetRoutineStagingCodeUploadInfo { name: self.name.clone(), code_description };
        let form = self.account.esa().call(&info).await?.oss_post_config;
        Ok(self.account.esa().upload_code(&form, bundle.code.clone()).await?)
    }

    /// Makes a version of what was uploaded, and returns its number.
    pub async fn commit(&self, description: &str) -> Result<String, Error> {
        let code_description = Some(description.to_owned());
        let commit = CommitRoutineStagingCode { name: self.name.clone(), code_description, deploy_env: None };
        Ok(self.account.esa().call(&commit).await?.code_version)
    }

    /// Has one version run alone.
    pub async fn publish(&self, place: Place, version: &str) -> Result<(), Error> {
        let code_version = Some(version.to_owned());
        let publish = PublishRoutineCodeVersion { name: self.name.clone(), env: place.env(), code_version };
        Ok(self.account.esa().call(&publish).await.map(drop)?)
    }

    /// Has two versions share production.
    pub async fn share(&self, version: &str, previous: &str, percent: u8) -> Result<(), Error> {
        let share = |version: &str, percentage| code::Share { code_version: version.to_owned(), percentage };
        let deploy = CreateRoutineCodeDeployment {
            name: self.name.clone(),
            env: Env::Production,
            code_versions: vec![share(version, percent), share(previous, 100_u8.saturating_sub(percent))],
            ..CreateRoutineCodeDeployment::default()
        };
        Ok(self.account.esa().call(&deploy).await.map(drop)?)
    }

    /// Deletes a version; one that is gone is no error.
    pub async fn delete(&self, version: &str) -> Result<(), Error> {
        let delete = DeleteRoutineCodeVersion { name: self.name.clone(), code_version: version.to_owned() };
        match self.account.esa().call(&delete).await {
            Err(error) if !error.is_not_found() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Returns the address of a machine that runs staging, with the port of plain HTTP.
    pub async fn staging_address(&self) -> Result<Option<String>, Error> {
        let addresses = self.account.esa().call(&GetRoutineStagingEnvIp {}).await?.ipv4;
        Ok(addresses.into_iter().next().map(|address| format!("{address}:80")))
    }
}
