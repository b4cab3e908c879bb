//! Expressions of the new tree.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, Call, CallArg, Compare, CompareOp, CompareOpKind, Const, Expr, Filter,
    GetAttr, GetItem, IfExpr, List, Slice, Spanned, Test, Tuple, UnaryOp, UnaryOpKind, Var,
};

/// A call of one of our functions.
pub(super) fn call<'a>(name: &'a str, args: Vec<Expr<'a>>, span: Span) -> Expr<'a> {
    let function = Expr::Var(Spanned::new(Var { id: name }, span));
    let args = args.into_iter().map(CallArg::Pos).collect();
    Expr::Call(Spanned::new(Call { expr: function, args }, span))
}

pub(super) fn expressions<'a>(items: &[Expr<'a>]) -> Vec<Expr<'a>> {
    items.iter().map(expression).collect()
}

pub(super) fn arguments<'a>(args: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    args.iter()
        .map(|arg| match arg {
            CallArg::Pos(value) => CallArg::Pos(expression(value)),
            CallArg::Kwarg(name, value) => CallArg::Kwarg(name, expression(value)),
            CallArg::PosSplat(value) => CallArg::PosSplat(expression(value)),
            CallArg::KwargSplat(value) => CallArg::KwargSplat(expression(value)),
        })
        .collect()
}

fn optional<'a>(value: Option<&Expr<'a>>) -> Option<Expr<'a>> {
    value.map(expression)
}

pub(super) fn expression<'a>(node: &Expr<'a>) -> Expr<'a> {
    match node {
        Expr::List(list) => call("%list", expressions(&list.items), list.span()),
        Expr::Map(map) => {
            let pairs = map.keys.iter().zip(&map.values);
            let args =
                pairs.flat_map(|(key, value)| [expression(key), expression(value)]).collect();
            call("%dict", args, map.span())
        }
        Expr::Slice(slice) => {
            let span = slice.span();
            let copy = Slice {
                expr: expression(&slice.expr),
                start: optional(slice.start.as_ref()),
                stop: optional(slice.stop.as_ref()),
                step: optional(slice.step.as_ref()),
            };
            let copy = Expr::Slice(Spanned::new(copy, span));
            call("%whole", vec![copy], span)
        }
        Expr::UnaryOp(unary) => unary_operation(unary),
        Expr::BinOp(binary) => binary_operation(binary),
        Expr::Compare(compare) => comparison(compare),
        other => plain(other),
    }
}

/// Nodes that stay what they are.
fn plain<'a>(node: &Expr<'a>) -> Expr<'a> {
    match node {
        Expr::Var(var) => Expr::Var(Spanned::new(Var { id: var.id }, var.span())),
        Expr::Const(constant) => {
            let value = constant.value.clone();
            Expr::Const(Spanned::new(Const { value }, constant.span()))
        }
        Expr::IfExpr(node) => Expr::IfExpr(Spanned::new(
            IfExpr {
                test_expr: expression(&node.test_expr),
                true_expr: expression(&node.true_expr),
                false_expr: optional(node.false_expr.as_ref()),
            },
            node.span(),
        )),
        Expr::Filter(node) => Expr::Filter(Spanned::new(
            Filter {
                name: node.name,
                expr: optional(node.expr.as_ref()),
                args: arguments(&node.args),
            },
            node.span(),
        )),
        Expr::Test(node) => Expr::Test(Spanned::new(
            Test { name: node.name, expr: expression(&node.expr), args: arguments(&node.args) },
            node.span(),
        )),
        Expr::GetAttr(node) => Expr::GetAttr(Spanned::new(
            GetAttr { expr: expression(&node.expr), name: node.name },
            node.span(),
        )),
        Expr::GetItem(node) => Expr::GetItem(Spanned::new(
            GetItem {
                expr: expression(&node.expr),
                subscript_expr: expression(&node.subscript_expr),
            },
            node.span(),
        )),
        Expr::Call(node) => Expr::Call(Spanned::new(
            Call { expr: expression(&node.expr), args: arguments(&node.args) },
            node.span(),
        )),
        Expr::Tuple(node) => {
            let items = expressions(&node.items);
            Expr::Tuple(Spanned::new(Tuple { items }, node.span()))
        }
        other => expression(other),
    }
}

fn unary_operation<'a>(node: &Spanned<UnaryOp<'a>>) -> Expr<'a> {
    let operand = expression(&node.expr);
    match node.op {
        UnaryOpKind::Neg if !matches!(operand, Expr::Const(_)) => {
            call("%neg", vec![operand], node.span())
        }
        UnaryOpKind::Neg => unary(UnaryOpKind::Neg, operand, node.span()),
        UnaryOpKind::Not => unary(UnaryOpKind::Not, operand, node.span()),
    }
}

fn unary(op: UnaryOpKind, expr: Expr<'_>, span: Span) -> Expr<'_> {
    Expr::UnaryOp(Spanned::new(UnaryOp { op, expr }, span))
}

fn binary_operation<'a>(node: &Spanned<BinOp<'a>>) -> Expr<'a> {
    let span = node.span();
    let (left, right) = (expression(&node.left), expression(&node.right));
    let function = match node.op {
        BinOpKind::Rem => "%mod",
        BinOpKind::Lt => "%lt",
        BinOpKind::Lte => "%le",
        BinOpKind::Gt => "%gt",
        BinOpKind::Gte => "%ge",
        BinOpKind::Concat => "%concat",
        op => {
            let operation = Expr::BinOp(Spanned::new(BinOp { op, left, right }, span));
            return match op {
                BinOpKind::Add | BinOpKind::Mul => call("%whole", vec![operation], span),
                _ => operation,
            };
        }
    };
    call(function, vec![left, right], span)
}

fn comparison<'a>(node: &Spanned<Compare<'a>>) -> Expr<'a> {
    let span = node.span();
    if let [only] = node.ops.as_slice() {
        let function = match only.op {
            CompareOpKind::Lt => Some("%lt"),
            CompareOpKind::Lte => Some("%le"),
            CompareOpKind::Gt => Some("%gt"),
            CompareOpKind::Gte => Some("%ge"),
            _ => None,
        };
        if let Some(function) = function {
            let operands = vec![expression(&node.expr), expression(&only.expr)];
            return call(function, operands, span);
        }
    }
    let ops = node.ops.iter().map(|op| CompareOp { op: op.op, expr: expression(&op.expr) });
    Expr::Compare(Spanned::new(Compare { expr: expression(&node.expr), ops: ops.collect() }, span))
}

/// Targets of assignments keep their shape: the engine takes them apart itself.
pub(super) fn copy_target<'a>(node: &Expr<'a>) -> Expr<'a> {
    match node {
        Expr::List(list) => {
            let items = list.items.iter().map(copy_target).collect();
            Expr::List(Spanned::new(List { items }, list.span()))
        }
        Expr::Tuple(tuple) => {
            let items = tuple.items.iter().map(copy_target).collect();
            Expr::Tuple(Spanned::new(Tuple { items }, tuple.span()))
        }
        other => plain(other),
    }
}
