#include "query/predicate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::query {
namespace {

bool IsNan(const table::Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return std::isnan(*number);
  if (const auto* number = std::get_if<float>(&value)) return std::isnan(*number);
  return false;
}

bool IsFloating(const table::Value& value) {
  return std::holds_alternative<double>(value) || std::holds_alternative<float>(value);
}

/// SQL holds -0.0 and 0.0 equal; Iceberg's order does not.
table::Value WithoutNegativeZero(table::Value value) {
  if (auto* wide = std::get_if<double>(&value); wide && *wide == 0) *wide = 0.0;
  if (auto* narrow = std::get_if<float>(&value); narrow && *narrow == 0) *narrow = 0.0F;
  return value;
}

/// left < right for certain (or <=, when `or_equal`); false when it cannot be told.
bool SurelyBelow(const std::optional<table::Value>& left, const std::optional<table::Value>& right, bool or_equal) {
  if (!left || !right || left->index() != right->index() || IsNan(*left) || IsNan(*right)) return false;
  const auto order = table::Compare(WithoutNegativeZero(*left), WithoutNegativeZero(*right));
  return order < 0 || (or_equal && order == 0);
}

bool MayBeAbove(const ColumnFacts& column, const table::Value& value, bool or_equal) {
  if (IsFloating(value) && (column.may_have_nan || IsNan(value))) return true;
  return !SurelyBelow(column.upper, value, !or_equal);
}

bool MayBeBelow(const ColumnFacts& column, const table::Value& value, bool or_equal) {
  if (IsNan(value)) return true;
  return !SurelyBelow(value, column.lower, !or_equal);
}

bool MayBeEqual(const ColumnFacts& column, const table::Value& value) {
  if (IsNan(value)) return column.may_have_nan;
  if (column.may_equal && !column.may_equal(value)) return false;
  return !SurelyBelow(value, column.lower, false) && !SurelyBelow(column.upper, value, false);
}

bool MayMatchColumn(const Predicate& predicate, const ColumnFacts& column) {
  using Kind = Predicate::Kind;
  if (predicate.kind == Kind::kIsNull) return column.may_have_null;
  if (!column.may_have_value) return false;
  switch (predicate.kind) {
    case Kind::kLess:
    case Kind::kLessOrEqual:
      return MayBeBelow(column, predicate.values.front(), predicate.kind == Kind::kLessOrEqual);
    case Kind::kGreater:
    case Kind::kGreaterOrEqual:
      return MayBeAbove(column, predicate.values.front(), predicate.kind == Kind::kGreaterOrEqual);
    case Kind::kIn:
      return std::any_of(predicate.values.begin(), predicate.values.end(),
                         [&](const table::Value& value) { return MayBeEqual(column, value); });
    case Kind::kNotNull:
    case Kind::kIsNull:
    case Kind::kAny:
    case Kind::kAnd:
    case Kind::kOr:
      return true;
  }
  return true;
}

Predicate Combine(Predicate::Kind kind, std::vector<Predicate> children) {
  if (children.size() == 1) return std::move(children.front());
  Predicate combined;
  combined.kind = kind;
  combined.children = std::move(children);
  return combined;
}

}  // namespace

Predicate AllOf(std::vector<Predicate> children) {
  std::erase_if(children, [](const Predicate& child) { return child.kind == Predicate::Kind::kAny; });
  return children.empty() ? Predicate{} : Combine(Predicate::Kind::kAnd, std::move(children));
}

Predicate AnyOf(std::vector<Predicate> children) {
  const bool any = std::any_of(children.begin(), children.end(),
                               [](const Predicate& child) { return child.kind == Predicate::Kind::kAny; });
  return any || children.empty() ? Predicate{} : Combine(Predicate::Kind::kOr, std::move(children));
}

bool MayMatch(const Predicate& predicate, const std::function<ColumnFacts(schema::FieldId)>& facts) {
  const auto may_match = [&](const Predicate& child) { return MayMatch(child, facts); };
  switch (predicate.kind) {
    case Predicate::Kind::kAny:
      return true;
    case Predicate::Kind::kAnd:
      return std::all_of(predicate.children.begin(), predicate.children.end(), may_match);
    case Predicate::Kind::kOr:
      return std::any_of(predicate.children.begin(), predicate.children.end(), may_match);
    case Predicate::Kind::kLess:
    case Predicate::Kind::kLessOrEqual:
    case Predicate::Kind::kGreater:
    case Predicate::Kind::kGreaterOrEqual:
    case Predicate::Kind::kIn:
    case Predicate::Kind::kIsNull:
    case Predicate::Kind::kNotNull:
      return MayMatchColumn(predicate, facts(predicate.field));
  }
  return true;
}

}  // namespace millrace::query
