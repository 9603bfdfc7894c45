#pragma once

#include <cstdint>
#include <functional>

#include "schema/registry/registry.h"

namespace millrace::schema {

/// A schema with all that it refers to, directly or not, each under every name that it is referred to by. `text_of`
/// gives what a reference means and is asked once for each version of a subject. Error kData beyond 1000 references
/// or 16 MiB of them.
RegisteredSchema WithReferences(int32_t id, const SchemaText& text,
                                const std::function<SchemaText(const SchemaReference&)>& text_of);

}  // namespace millrace::schema
