#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "document/document_store.h"
#include "document/firestore/firestore.pb.h"
#include "document/firestore/firestore_options.h"

namespace millrace::document {

class NumberTexts;

/// Where a note of a deleted document says from when it may go: a timestamp, as a TTL policy wants it.
inline constexpr std::string_view kExpiresMember = "_millrace_expires";

/// The id of a document whose key has these values, each text or a whole number: the value itself; of several, with '|'
/// between. What an id cannot have ('/' foremost) is percent-encoded. 7 and "7" are one id. Throws Unfit.
/// https://firebase.google.com/docs/firestore/quotas
std::string FirestoreId(std::span<const simdjson::dom::element> values, std::span<const std::string> names);
/// The same for a place or another text that is not empty.
std::string FirestoreId(std::string_view text);

/// A document as it is put together, member by member. Objects become maps, lists arrays, whole numbers integers where
/// 64 bits hold them, other numbers doubles. Everything throws Unfit.
class FirestoreDocument {
 public:
  /// `name`: the full one.
  explicit FirestoreDocument(const std::string& name) { document_.set_name(name); }

  void Members(const JsonRecord& record, LongNumbers long_numbers);
  /// `deleted`: when; none: it stands.
  void Version(const document::Version& version, std::optional<Timestamp> deleted);
  void Text(const std::string& name, std::string_view text) { Member(name).set_string_value(std::string(text)); }
  void Whole(const std::string& name, int64_t value) { Member(name).set_integer_value(value); }
  void Flag(std::string_view name) { Member(std::string(name)).set_boolean_value(true); }
  void Time(const std::string& name, Timestamp time);
  /// Text where it is UTF-8, else bytes; no more than `bytes_max` of it.
  void Held(const std::string& name, std::string_view bytes, size_t bytes_max);

  /// Serialized; one that is larger than 1 MiB is Unfit.
  std::string Finish() const;

 private:
  firestore::Value& Member(const std::string& name) { return (*document_.mutable_fields())[name]; }

  firestore::Document document_;
};

/// The version that a document carries; nullopt when it is somebody else's.
std::optional<Version> VersionIn(const firestore::Document& document);

/// The text of a member; "" when there is none.
std::string TextIn(const firestore::Document& document, const std::string& name);

void SetTime(google::protobuf::Timestamp& to, Timestamp time);

}  // namespace millrace::document
