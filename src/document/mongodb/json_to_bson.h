#pragma once

#include <bson/bson.h>
#include <simdjson.h>

#include <string_view>

namespace millrace::document {

/// The member `name` with this value. Whole numbers become int32 where they fit, else int64, else decimal128; an object
/// whose only members begin with $ is MongoDB's Extended JSON v2 ({"$oid": ...}, {"$date": ...}). Throws Unfit.
void AppendJson(bson_t* document, std::string_view name, simdjson::dom::element value);

/// All members of `object` but `taken`, which the document has already. A name that stands twice is Unfit.
void AppendMembers(bson_t* document, simdjson::dom::object object, std::string_view taken);

}  // namespace millrace::document
