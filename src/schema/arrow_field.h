#pragma once

#include <arrow/type_fwd.h>

#include <optional>

#include "schema/schema.h"

namespace millrace::schema {

/// What ToArrow writes into a field's metadata, as readers of single fields want it: nullopt, or false, where there is
/// none that can be read (FromArrow refuses that).
std::optional<FieldId> MaybeFieldId(const arrow::Field& field);
bool IsUuid(const arrow::Field& field);

}  // namespace millrace::schema
