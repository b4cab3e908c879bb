//! The template's tree, built anew with calls where Python's behaviour or safety needs them.
//!
//! | in the template | in the new tree | why |
//! |---|---|---|
//! | `[a]`, `{a: b}` | `%list(a)`, `%dict(a, b)` | lists and mappings that templates may change |
//! | `set x = e` | `set x = %keep(e)` | bounds the nesting of what a loop can build up |
//! | `a % b` | `%mod(a, b)` | formats text |
//! | `a < b` … | `%lt(a, b)` … | values of different types have no order |
//! | `a ~ b` | `%concat(a, b)` | bounded printing of values |
//! | `-a` | `%neg(a)` | booleans are numbers |
//! | `a + b`, `a * b`, `a[b:c]` | `%whole(…)` | a list again, where the engine gives a lazy view |
//! | `for x in e` | `for x in %each(e)` | null is not an empty list |
//!
//! No template can spell these names. The tree's nodes cannot be changed in place, hence the copy.

mod expression;

use minijinja::machinery::ast::{
    AutoEscape, Block, Call, CallBlock, Do, EmitExpr, EmitRaw, Expr, Extends, FilterBlock, ForLoop,
    FromImport, IfCond, Import, Include, Macro, Set, SetBlock, Spanned, Stmt, Template, WithBlock,
};

use expression::{arguments, call, expression, expressions};

pub(super) fn statement<'a>(statement: &Stmt<'a>) -> Stmt<'a> {
    match statement {
        Stmt::Template(node) => Stmt::Template(Spanned::new(
            Template { children: statements(&node.children) },
            node.span(),
        )),
        Stmt::EmitExpr(node) => {
            Stmt::EmitExpr(Spanned::new(EmitExpr { expr: expression(&node.expr) }, node.span()))
        }
        Stmt::EmitRaw(node) => Stmt::EmitRaw(Spanned::new(EmitRaw { raw: node.raw }, node.span())),
        Stmt::Set(node) => Stmt::Set(assignment(node)),
        Stmt::SetBlock(node) => Stmt::SetBlock(Spanned::new(
            SetBlock {
                target: target(&node.target),
                filter: node.filter.as_ref().map(expression),
                body: statements(&node.body),
            },
            node.span(),
        )),
        Stmt::ForLoop(node) => Stmt::ForLoop(for_loop(node)),
        Stmt::IfCond(node) => Stmt::IfCond(Spanned::new(
            IfCond {
                expr: expression(&node.expr),
                true_body: statements(&node.true_body),
                false_body: statements(&node.false_body),
            },
            node.span(),
        )),
        Stmt::WithBlock(node) => Stmt::WithBlock(Spanned::new(
            WithBlock {
                assignments: node
                    .assignments
                    .iter()
                    .map(|(name, value)| (target(name), expression(value)))
                    .collect(),
                body: statements(&node.body),
            },
            node.span(),
        )),
        other => block_statement(other),
    }
}

/// Statements with a body of their own kind, and those that load other templates.
fn block_statement<'a>(statement: &Stmt<'a>) -> Stmt<'a> {
    match statement {
        Stmt::AutoEscape(node) => Stmt::AutoEscape(Spanned::new(
            AutoEscape { enabled: expression(&node.enabled), body: statements(&node.body) },
            node.span(),
        )),
        Stmt::FilterBlock(node) => Stmt::FilterBlock(Spanned::new(
            FilterBlock {
                filter: expression(&node.filter),
                filter_span: node.filter_span,
                body: statements(&node.body),
            },
            node.span(),
        )),
        Stmt::Block(node) => Stmt::Block(Spanned::new(
            Block { name: node.name, required: node.required, body: statements(&node.body) },
            node.span(),
        )),
        Stmt::Macro(node) => Stmt::Macro(macro_of(node)),
        Stmt::CallBlock(node) => Stmt::CallBlock(Spanned::new(
            CallBlock {
                call: call_of(&node.call),
                call_expr_span: node.call_expr_span,
                macro_decl: macro_of(&node.macro_decl),
            },
            node.span(),
        )),
        Stmt::Do(node) => Stmt::Do(Spanned::new(Do { call: call_of(&node.call) }, node.span())),
        Stmt::Include(node) => Stmt::Include(Spanned::new(
            Include { name: expression(&node.name), ignore_missing: node.ignore_missing },
            node.span(),
        )),
        Stmt::Extends(node) => {
            Stmt::Extends(Spanned::new(Extends { name: expression(&node.name) }, node.span()))
        }
        Stmt::Import(node) => Stmt::Import(Spanned::new(
            Import { expr: expression(&node.expr), name: target(&node.name) },
            node.span(),
        )),
        Stmt::FromImport(node) => Stmt::FromImport(Spanned::new(
            FromImport {
                expr: expression(&node.expr),
                names: node
                    .names
                    .iter()
                    .map(|(name, alias)| (target(name), alias.as_ref().map(target)))
                    .collect(),
            },
            node.span(),
        )),
        other => self::statement(other),
    }
}

fn statements<'a>(body: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    body.iter().map(statement).collect()
}

/// Where a value goes: names, attributes of namespaces, and lists of those.
fn target<'a>(target: &Expr<'a>) -> Expr<'a> {
    expression::copy_target(target)
}

fn assignment<'a>(node: &Spanned<Set<'a>>) -> Spanned<Set<'a>> {
    let keep = match node.target {
        // What a namespace holds lives on in the next turn of a loop.
        Expr::GetAttr(_) => "%hold",
        _ => "%keep",
    };
    let span = node.expr.span();
    let value = expression(&node.expr);
    Spanned::new(
        Set { target: target(&node.target), expr: call(keep, vec![value], span) },
        node.span(),
    )
}

fn for_loop<'a>(node: &Spanned<ForLoop<'a>>) -> Spanned<ForLoop<'a>> {
    let span = node.iter.span();
    Spanned::new(
        ForLoop {
            target: target(&node.target),
            iter: call("%each", vec![expression(&node.iter)], span),
            filter_expr: node.filter_expr.as_ref().map(expression),
            recursive: node.recursive,
            body: statements(&node.body),
            else_body: statements(&node.else_body),
        },
        node.span(),
    )
}

fn macro_of<'a>(node: &Spanned<Macro<'a>>) -> Spanned<Macro<'a>> {
    Spanned::new(
        Macro {
            name: node.name,
            args: node.args.iter().map(target).collect(),
            defaults: expressions(&node.defaults),
            body: statements(&node.body),
        },
        node.span(),
    )
}

fn call_of<'a>(node: &Spanned<Call<'a>>) -> Spanned<Call<'a>> {
    Spanned::new(Call { expr: expression(&node.expr), args: arguments(&node.args) }, node.span())
}
