//! `assize org`, `assize user`, `assize key`: administration by whoever commands the machine, also while the server
//! runs.

use anyhow::Context as _;
use assize_server::app::{
    App, Caller, IssuedKey, KeyInterface, KeyRecord, NewKey, OrganizationId, Plan, PlanChange, Role,
};
use assize_server::clock::{Clock as _, SystemClock};
use jiff::SignedDuration;
use serde_json::json;

use super::installation;
use crate::arguments::{KeyCommand, OrgCommand, PlanName, Shared, UserCommand};
use crate::outcome::{BadInput, Outcome};
use crate::settings;

/// Rows read at a time.
const PAGE: u32 = 200;

/// Creates or lists organizations.
pub(crate) fn organizations(shared: &Shared, command: &OrgCommand) -> anyhow::Result<Outcome> {
    with_app(shared, async |app| match command {
        OrgCommand::Create { org, name, json } => {
            let id = organization_id(org)?;
            let new = app.ensure_organization(&id, name.as_deref().unwrap_or(org)).await?;
            if *json {
                println!("{}", json!({ "organization_id": id.as_str(), "created": new }));
            } else {
                println!("{id} {}", if new { "is made" } else { "was there already" });
            }
            Ok(())
        }
        OrgCommand::Plan { org, set, monthly, tokens, json } => {
            let id = organization_id(org)?;
            let operator = Caller::operator(OrganizationId::public());
            if let Some(plan) = set {
                let monthly = monthly.unwrap_or(app.config().interactions.free_tokens_a_month);
                app.change_plan(&operator, &id, PlanChange::Plan(plan_of(*plan), monthly)).await?;
            }
            if let Some(tokens) = tokens {
                app.change_plan(&operator, &id, PlanChange::Tokens(*tokens)).await?;
            }
            let account = app.interaction_account(&Caller::operator(id.clone())).await?;
            let (plan, balance, used) = (account.plan.as_str(), account.balance, account.used);
            if *json {
                let monthly = account.monthly_grant;
                let shown = json!({ "organization_id": id.as_str(), "plan": plan, "balance": balance, "used": used, "monthly_grant": monthly });
                println!("{shown}");
            } else {
                println!("{id}: plan {plan}, {balance} tokens left, {used} used");
            }
            Ok(())
        }
        OrgCommand::List { json } => {
            let mut rows = Vec::new();
            let mut after = String::new();
            loop {
                let page = app.organizations(&after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.id.to_string();
                rows.extend(page);
            }
            if *json {
                let rows: Vec<_> = rows
                    .iter()
                    .map(|row| json!({ "organization_id": row.id.as_str(), "name": row.name, "created_at": row.created_at }))
                    .collect();
                println!("{}", serde_json::to_string_pretty(&rows)?);
            } else {
                for row in rows {
                    println!("{}  {}  {}", row.id, row.created_at, row.name);
                }
            }
            Ok(())
        }
    })
}

/// Creates, lists, locks people; sets passwords.
pub(crate) fn users(shared: &Shared, command: &UserCommand) -> anyhow::Result<Outcome> {
    with_app(shared, async |app| match command {
        UserCommand::Create { org, email, name, role, json } => {
            let id = organization_id(org)?;
            app.ensure_organization(&id, org).await?;
            let called = name.as_deref().unwrap_or(email);
            let (user, password) = app.create_person(&id, email, called, parsed_role(role)?).await?;
            match (json, password) {
                (true, password) => println!(
                    "{}",
                    json!({ "user_id": user.as_str(), "organization_id": id.as_str(), "password": password })
                ),
                (false, Some(password)) => {
                    println!("{email} is {role} of {id}");
                    println!("  password  {password}  (shown once)");
                }
                (false, None) => println!("{email} had an account and is now {role} of {id} too"),
            }
            Ok(())
        }
        UserCommand::List { json } => list_users(app, *json).await,
        UserCommand::Password { email } => {
            println!("{}", app.replace_password(email).await?);
            Ok(())
        }
        UserCommand::Lock { email } => {
            app.lock_account(email, true).await?;
            println!("{email} is locked out, all sessions have ended");
            Ok(())
        }
        UserCommand::Unlock { email } => {
            app.lock_account(email, false).await?;
            println!("{email} may sign in again");
            Ok(())
        }
    })
}

async fn list_users(app: &App, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page = app.accounts(&after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.email);
        rows.extend(page);
    }
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "user_id": row.id.as_str(), "email": row.email, "name": row.name, "created_at": row.created_at,
                        "locked": row.disabled_at.is_some() })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        println!(
            "Nobody yet. The first start of the server makes an owner, or: assize user create --org ORG --email ..."
        );
    }
    for row in rows {
        let state = if row.disabled_at.is_some() { "locked" } else { "active" };
        println!("{}  {state}  {}  {}", row.id, row.email, row.name);
    }
    Ok(())
}

/// Creates, lists, rotates and revokes API keys.
pub(crate) fn keys(shared: &Shared, command: &KeyCommand) -> anyhow::Result<Outcome> {
    with_app(shared, async |app| match command {
        KeyCommand::Create { org, role, interface, name, expires_in_days, json } => {
            let id = organization_id(org)?;
            app.ensure_organization(&id, org).await?;
            let expires_at = expires_in_days
                .map(|days| SystemClock.now().checked_add(SignedDuration::from_hours(24 * i64::from(days))))
                .transpose()
                .context("--expires-in-days")?;
            let interface = KeyInterface::parse(interface)
                .ok_or_else(|| BadInput("--interface: one of governance, robustness, interactions".to_owned()))?;
            let new = NewKey { name: name.clone(), interface, role: parsed_role(role)?, expires_at };
            show(&app.create_key(&Caller::operator(id), &new).await?, *json);
            Ok(())
        }
        KeyCommand::List { org, json } => list_keys(app, &Caller::operator(organization_id(org)?), *json).await,
        KeyCommand::Rotate { org, id, overlap_hours, json } => {
            let caller = Caller::operator(organization_id(org)?);
            show(&app.rotate_key(&caller, id, *overlap_hours).await?, *json);
            Ok(())
        }
        KeyCommand::Revoke { org, id } => {
            app.revoke_key(&Caller::operator(organization_id(org)?), id).await?;
            println!("{id} is revoked");
            Ok(())
        }
    })
}

fn show(issued: &IssuedKey, json: bool) {
    if json {
        println!(
            "{}",
            json!({ "key": issued.secret, "key_id": issued.key.id.as_str(),
                    "organization_id": issued.key.organization.as_str() })
        );
    } else {
        println!("{}", issued.secret);
        println!("  {} of {}, shown once; send it as X-API-Key", issued.key.id, issued.key.organization);
    }
}

async fn list_keys(app: &App, caller: &Caller, json: bool) -> anyhow::Result<()> {
    let mut rows: Vec<KeyRecord> = Vec::new();
    let mut before = None;
    loop {
        let page = app.keys(caller, before.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        rows.extend(page);
    }
    let now = SystemClock.now();
    let state = |row: &KeyRecord| match row.revoked_at {
        Some(_) => "revoked",
        None if row.is_valid(now) => "active",
        None => "expired",
    };
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "key_id": row.id.as_str(), "name": row.name, "interface": row.interface.as_str(),
                        "role": row.role.as_str(), "prefix": row.interface.key_prefix(), "last_four": row.last_four,
                        "state": state(row), "created_at": row.created_at, "expires_at": row.expires_at,
                        "revoked_at": row.revoked_at, "last_used_at": row.last_used_at })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if rows.is_empty() {
        println!(
            "No keys. Make one: assize key create --org {} --role owner --interface governance",
            caller.organization
        );
    }
    for row in rows {
        let (prefix, interface, role) = (row.interface.key_prefix(), row.interface.as_str(), row.role.as_str());
        println!("{}  {:<7}  {prefix}...{}  {interface}  {role}  {}", row.id, state(&row), row.last_four, row.name);
    }
    Ok(())
}

/// Opens the installation for one piece of work.
fn with_app(shared: &Shared, work: impl AsyncFnOnce(&App) -> anyhow::Result<()>) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    installation::runtime()?.block_on(async {
        let app = installation::open(settings.config).await?;
        let done = work(&app).await;
        app.close().await;
        done.map(|()| Outcome::Done)
    })
}

/// An organization as people write it: `acme` is `org_acme`.
fn organization_id(text: &str) -> anyhow::Result<OrganizationId> {
    let full = if text.starts_with("org_") { text.to_owned() } else { format!("org_{text}") };
    OrganizationId::parse(&full).ok_or_else(|| {
        BadInput(format!("--org: '{text}' is no organization id: use up to 60 lower-case letters, digits, - and _"))
            .into()
    })
}

fn plan_of(name: PlanName) -> Plan {
    match name {
        PlanName::None => Plan::None,
        PlanName::Free => Plan::Free,
        PlanName::Premium => Plan::Premium,
        PlanName::Unlimited => Plan::Unlimited,
    }
}

fn parsed_role(text: &str) -> anyhow::Result<Role> {
    let known = || Role::ALL.map(Role::as_str).join(", ");
    Role::parse(text).ok_or_else(|| BadInput(format!("--role: '{text}' is none of {}", known())).into())
}
