#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "schema/schema.h"
#include "table/value.h"

namespace millrace::query {

/// What a statement demands of the rows of one table, as far as it is understood: a row for which it does not hold
/// cannot matter to the answer. kAny holds for every row, and stands for all that is not understood.
struct Predicate {
  enum class Kind { kAny, kAnd, kOr, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIn, kIsNull, kNotNull };
  Kind kind = Kind::kAny;
  std::vector<Predicate> children;   // kAnd, kOr
  schema::FieldId field;             // the rest
  std::vector<table::Value> values;  // comparisons: one; kIn: at least one
};

Predicate AllOf(std::vector<Predicate> children);
Predicate AnyOf(std::vector<Predicate> children);

/// What is known of the values of one column in a set of rows. A bound that is absent is not known.
struct ColumnFacts {
  std::optional<table::Value> lower;
  std::optional<table::Value> upper;
  bool may_have_null = true;
  bool may_have_value = true;                          // anything but null
  bool may_have_nan = true;                            // NaN is above every number, and outside of the bounds
  std::function<bool(const table::Value&)> may_equal;  // null: nothing more is known
};

/// False only when no row of a set with these facts can satisfy the predicate. Facts that are of another type than the
/// predicate's value decide nothing.
bool MayMatch(const Predicate& predicate, const std::function<ColumnFacts(schema::FieldId)>& facts);

}  // namespace millrace::query
