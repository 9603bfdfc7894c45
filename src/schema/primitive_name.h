#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/schema.h"

namespace millrace::schema {

/// The spec's spelling of a primitive type: "long", "decimal(9, 2)", "fixed[16]", white space allowed inside the
/// brackets. nullopt for anything else, also for a decimal or fixed that cannot be.
std::optional<PrimitiveType> ParsePrimitive(std::string_view text);

/// The name without parameters, as in the spec.
std::string_view NameOf(Primitive kind);

}  // namespace millrace::schema
