//! The engine: an environment with StackStorm's settings, and the renderers over it.

use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use serde_json::Value;

use super::budget::{self, Budget};
use super::error::JinjaError;
use super::keys::{NeededKeys, take_needed};
use super::template::{self, Code, TEMPLATE, Template};
use super::{Context, filters, guard, methods, python};

/// Bounds of one rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps the engine may take; loops, filters and produced text all count.
    pub steps: u64,
    /// Values that may be visited to compare, print and convert them.
    pub values: u64,
    /// Size of a template.
    pub template_bytes: usize,
    /// Size of the result.
    pub output_bytes: usize,
    /// Nesting of macros, blocks and includes.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 2_000_000,
            values: 1_000_000,
            template_bytes: 4 * 1024 * 1024,
            output_bytes: 32 * 1024 * 1024,
            depth: 100,
        }
    }
}

/// Renders templates. Made once, shared by all.
pub struct Engine {
    strict: Environment<'static>,
    lenient: Environment<'static>,
    syntax: SyntaxConfig,
    limits: Limits,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Engine {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .unwrap_or_default();
        Self {
            strict: environment(UndefinedBehavior::Strict, &syntax, &limits),
            lenient: environment(UndefinedBehavior::Lenient, &syntax, &limits),
            syntax,
            limits,
        }
    }

    /// Renders one template.
    ///
    /// # Errors
    /// See [`JinjaError`]; [`JinjaError::KeysNeeded`] wins over every other error, because those may
    /// follow from the items not being there.
    pub fn render(&self, template: &str, context: &Context) -> Result<String, JinjaError> {
        if !needs_rendering(template) {
            return Ok(literal(template));
        }
        self.check_size(template)?;
        let source = normalized(template);
        self.evaluate(context, |environment, root| {
            Code::compile(&source, &self.syntax)?.evaluate(environment, root)
        })
    }

    /// Reads a template once for many renderings.
    ///
    /// # Errors
    /// [`JinjaError::Syntax`] if the text does not parse, [`JinjaError::Limit`] if it is too large.
    pub fn compile(&self, template: &str) -> Result<Template, JinjaError> {
        if !needs_rendering(template) {
            return Ok(Template::literal(literal(template)));
        }
        self.check_size(template)?;
        Template::compile(normalized(template).into_owned(), &self.syntax)
            .map_err(|error| JinjaError::from_engine(&error))
    }

    /// Renders a template that was compiled before.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_compiled(
        &self,
        template: &Template,
        context: &Context,
    ) -> Result<String, JinjaError> {
        match template.code() {
            Ok(code) => {
                self.evaluate(context, |environment, root| code.evaluate(environment, root))
            }
            Err(text) => Ok(text.to_owned()),
        }
    }

    fn check_size(&self, template: &str) -> Result<(), JinjaError> {
        let (size, max) = (template.len(), self.limits.template_bytes);
        if size <= max {
            return Ok(());
        }
        let message = format!("the template has {size} bytes, more than the {max} allowed");
        Err(JinjaError::Limit { message })
    }

    fn evaluate(
        &self,
        context: &Context,
        render: impl FnOnce(&Environment<'_>, minijinja::Value) -> Result<String, Error>,
    ) -> Result<String, JinjaError> {
        let needed = NeededKeys::default();
        let budget = Budget::start(self.limits.values);
        let environment = if context.is_lenient() { &self.lenient } else { &self.strict };
        let rendered = render(environment, context.root(&needed));
        let keys = take_needed(&needed);
        if !keys.is_empty() {
            return Err(JinjaError::KeysNeeded(keys));
        }
        if budget.is_exceeded() {
            return Err(JinjaError::from_engine(&budget::exceeded()));
        }
        let text = rendered.map_err(|error| JinjaError::from_engine(&error))?;
        if text.len() > self.limits.output_bytes {
            return Err(JinjaError::Limit {
                message: format!("the result has more than {} bytes", self.limits.output_bytes),
            });
        }
        Ok(text)
    }

    /// Renders every text inside a value that is a template: members of lists, values and keys of
    /// mappings. Everything else stays as it is.
    ///
    /// # Errors
    /// As [`Engine::render`]; keys needed by any part are collected before the call fails.
    pub fn render_value(&self, value: &Value, context: &Context) -> Result<Value, JinjaError> {
        let mut needed = BTreeSet::new();
        let rendered = self.render_node(value, context, &mut needed)?;
        if needed.is_empty() {
            Ok(rendered)
        } else {
            Err(JinjaError::KeysNeeded(needed.into_iter().collect()))
        }
    }

    /// The renderer of notifications and action chains: [`Engine::render_value`] of a mapping whose
    /// templates also see all variables together as `__context`. With no variables at all the mapping
    /// stays as it is.
    ///
    /// # Errors
    /// As [`Engine::render_value`].
    pub fn render_mapping(&self, mapping: &Value, context: &Context) -> Result<Value, JinjaError> {
        if context.is_empty() {
            return Ok(mapping.clone());
        }
        self.render_value(mapping, &context.clone().with_itself())
    }

    fn render_node(
        &self,
        value: &Value,
        context: &Context,
        needed: &mut BTreeSet<super::KeyRef>,
    ) -> Result<Value, JinjaError> {
        Ok(match value {
            Value::String(text) => Value::String(self.render_leaf(text, context, needed)?),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.render_node(item, context, needed))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => {
                let mut rendered = serde_json::Map::new();
                for (name, member) in members {
                    let name = self.render_leaf(name, context, needed)?;
                    rendered.insert(name, self.render_node(member, context, needed)?);
                }
                Value::Object(rendered)
            }
            other => other.clone(),
        })
    }

    fn render_leaf(
        &self,
        text: &str,
        context: &Context,
        needed: &mut BTreeSet<super::KeyRef>,
    ) -> Result<String, JinjaError> {
        match self.render(text, context) {
            Err(JinjaError::KeysNeeded(keys)) => {
                needed.extend(keys);
                Ok(String::new())
            }
            other => other,
        }
    }

    /// Checks that a text parses as a template.
    ///
    /// # Errors
    /// [`JinjaError::Syntax`] with line and reason.
    pub fn check(&self, template: &str) -> Result<(), JinjaError> {
        template::parsed(&normalized(template), &self.syntax)
            .map(drop)
            .map_err(|error| JinjaError::from_engine(&error))
    }

    /// Names a template uses without defining them, in alphabetical order. Names every template has
    /// (`range`, `dict`, …) are left out.
    ///
    /// # Errors
    /// [`JinjaError::Syntax`] if the text does not parse.
    pub fn variables(&self, template: &str) -> Result<BTreeSet<String>, JinjaError> {
        let source = normalized(template);
        let parsed = guard::check(&source, self.syntax.clone())
            .and_then(|()| self.strict.template_from_named_str(TEMPLATE, &source))
            .map_err(|error| JinjaError::from_engine(&error))?;
        let globals: BTreeSet<&str> = self.strict.globals().map(|(name, _)| name).collect();
        Ok(parsed
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !globals.contains(name.as_str()))
            .collect())
    }
}

/// Whether StackStorm takes a text for a template.
#[must_use]
pub fn is_expression(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// [`Engine::variables`] with a default engine.
///
/// # Errors
/// [`JinjaError::Syntax`] if the text does not parse.
pub fn variables(template: &str) -> Result<BTreeSet<String>, JinjaError> {
    static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(Engine::default);
    ENGINE.variables(template)
}

fn needs_rendering(text: &str) -> bool {
    is_expression(text) || text.contains("{#")
}

/// Jinja reads `\r\n` and `\r` as one line end.
fn normalized(template: &str) -> std::borrow::Cow<'_, str> {
    if template.contains('\r') {
        template.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        template.into()
    }
}

/// A text without any template syntax, which still loses one trailing line end.
fn literal(template: &str) -> String {
    let text = normalized(template);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

fn environment(
    undefined: UndefinedBehavior,
    syntax: &SyntaxConfig,
    limits: &Limits,
) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_syntax(syntax.clone());
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(limits.steps));
    environment.set_recursion_limit(limits.depth);
    environment.set_debug(true);
    environment.set_formatter(python::write_value);
    environment.set_unknown_method_callback(methods::call);
    filters::register(&mut environment);
    environment
}
