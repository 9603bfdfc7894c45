#pragma once

#include <string>
#include <string_view>

#include "event/position.h"
#include "io/mongo_client.h"

namespace millrace::source {

/// A value of a member as a document {"v": value}, in canonical Extended JSON; empty: none.
using BsonValueText = std::string;

/// The text of a document in canonical Extended JSON. Error kData when it has none.
std::string CanonicalJson(const bson_t& document);
BsonValueText ValueText(const bson_iter_t& value);

/// Error kConfig, which says `what` it is, when it is no document.
void ParseJson(io::BsonDocument& document, const std::string& json, const std::string& what);

/// Whether values of this type have a place among those that are read in parts: the server compares only values of one
/// type, so the types behind have to be named.
bool HasPlace(bson_type_t type);

/// What sorts at `value` or behind it, whatever its type.
void AppendFrom(bson_t* part, const std::string& member, const BsonValueText& value);

/// Everything else: what AppendFrom does not choose.
void AppendBefore(bson_t* part, const std::string& member, const BsonValueText& value);

/// What lies behind a stored position {"n", "at", "id"} in the order of `member` and of _id. Error kStop when it is
/// none of a collection that is read by `member`.
void AppendBehind(bson_t* part, const std::string& member, const event::Cursor& at);

}  // namespace millrace::source
