#include "decode/change_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "decode/json_members.h"

namespace millrace::decode {
namespace {

using event::RejectCause;

ChangeEvent Rejected(RejectCause cause, std::string detail) {
  return {.row = {}, .added = {}, .deletes = {}, .reject = event::Reject{.cause = cause, .detail = std::move(detail)}};
}

bool IsNull(std::optional<std::string_view> value) { return !value || *value == "null"; }
bool IsObject(std::optional<std::string_view> value) { return value && value->starts_with('{'); }

/// What stands between the quotes of a string; other values as they are.
std::string_view Bare(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2) : value;
}

bool SameWord(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

/// Text as a JSON string. Bytes that are no UTF-8 stay what they are: the decoder judges them.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

void AppendMember(std::string& object, std::string_view name, std::string_view value) {
  object += object.empty() ? '{' : ',';
  object += Quoted(name);
  object += ':';
  object.append(value);
}

/// Connect's JSON converter wraps a value together with its schema.
std::string_view Unwrapped(std::string_view text, int depth_max) {
  std::string_view payload = text;
  int members = 0;
  bool schema = false;
  const auto looked = ForEachMember(text, depth_max, [&](std::string_view name, std::string_view value) {
    ++members;
    schema = schema || name == "schema";
    if (name == "payload") payload = value;
  });
  return looked && members == 2 && schema ? payload : text;
}

bool IsValue(std::string_view text, int depth_max) {
  const auto scanned = text.empty() ? Scanned{} : ScanValue(text.data(), text.data() + text.size(), depth_max);
  return scanned && SkipSpace(scanned.end, text.data() + text.size()) == text.data() + text.size();
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string AddedColumn(std::string_view path) {
  std::string name = "__" + std::string(path);
  std::ranges::replace(name, '.', '_');
  return name;
}

bool IsDelete(std::string_view operation, const std::vector<std::string>& delete_values) {
  return std::ranges::any_of(delete_values, [&](const std::string& word) { return SameWord(word, operation); });
}

std::string_view WhyNotApplied(std::string_view operation) {
  if (operation == "t") return "is a truncation (op t), which is not applied";
  if (operation == "m") return "is a message (op m), no change of a row";
  return "is no change event: `op` is none of c, r, u, d";
}

struct ChangeReader::Envelope {
  std::string_view text;
  std::optional<std::string_view> before;
  std::optional<std::string_view> after;
  std::optional<std::string_view> operation;
};

ChangeEvent ChangeReader::Read(std::string_view text, std::string_view key) const {
  if (form_.envelope == ChangeForm::Envelope::kNone) return ReadPlain(text);
  Envelope envelope{.text = Unwrapped(text, form_.depth_max), .before = {}, .after = {}, .operation = {}};
  const auto looked = ForEachMember(envelope.text, form_.depth_max, [&](std::string_view name, std::string_view value) {
    if (name == "before") envelope.before = value;
    if (name == "after") envelope.after = value;
    if (name == "op") envelope.operation = value;
  });
  if (!looked) return Rejected(looked.cause, looked.why);
  return ReadEnvelope(envelope, key);
}

ChangeEvent ChangeReader::ReadPlain(std::string_view text) const {
  if (!form_.operation.empty()) {
    const auto operation = FindMember(text, form_.operation, form_.depth_max);
    if (operation && IsDelete(Bare(*operation), form_.delete_values)) {
      auto document = DeleteOf(text, nullptr);
      if (document.empty()) return Rejected(RejectCause::kMissingKey, "deletes, and a column of the key is not there");
      return {.row = {}, .added = {}, .deletes = std::move(document), .reject = {}};
    }
  }
  return {.row = text, .added = {}, .deletes = {}, .reject = {}};
}

ChangeEvent ChangeReader::ReadEnvelope(const Envelope& envelope, std::string_view key) const {
  const auto operation = envelope.operation ? Bare(*envelope.operation) : std::string_view();
  if (operation == "d") return ReadDelete(envelope, key);
  if (operation != "c" && operation != "r" && operation != "u") {
    return Rejected(RejectCause::kOperation, std::string(WhyNotApplied(operation)));
  }
  if (!IsObject(envelope.after)) return Rejected(RejectCause::kOperation, "has no object as `after`");
  ChangeEvent change{.row = *envelope.after, .added = Added(envelope), .deletes = {}, .reject = {}};
  if (IsObject(envelope.before) && KeyChanged(*envelope.before, *envelope.after)) {
    change.deletes = DeleteOf(*envelope.before, &envelope);
  }
  return change;
}

ChangeEvent ChangeReader::ReadDelete(const Envelope& envelope, std::string_view key) const {
  std::string document;
  if (IsObject(envelope.before)) document = DeleteOf(*envelope.before, &envelope);
  if (document.empty() && !key.empty()) document = DeleteOf(Unwrapped(key, form_.depth_max), &envelope);
  if (document.empty()) {
    return Rejected(RejectCause::kMissingKey, "deletes, and neither `before` nor the record's key has the key");
  }
  return {.row = {}, .added = {}, .deletes = std::move(document), .reject = {}};
}

ChangeEvent ChangeReader::ReadTombstone(std::string_view key, bool text_column) const {
  const auto text = Trimmed(key);
  std::string document;
  if (text.starts_with('{')) {
    const auto value = Unwrapped(text, form_.depth_max);
    if (value.starts_with('{')) {
      document = DeleteOf(value, nullptr);
    } else if (form_.key.size() == 1) {
      AppendMember(document, form_.key.front(), value);
      document += '}';
    }
  } else if (form_.key.size() == 1 && !text.empty()) {
    // The bytes of a text may look like a number; the column knows.
    const bool as_it_is = IsValue(text, form_.depth_max) && (!text_column || text.starts_with('"'));
    AppendMember(document, form_.key.front(), as_it_is ? std::string(text) : Quoted(text));
    document += '}';
  }
  if (document.empty()) return Rejected(RejectCause::kMissingKey, "is a tombstone whose key lacks a column of the key");
  return {.row = {}, .added = {}, .deletes = std::move(document), .reject = {}};
}

bool ChangeReader::KeyChanged(std::string_view before, std::string_view after) const {
  return std::ranges::any_of(form_.key, [&](const std::string& path) {
    const auto old = FindMember(before, path, form_.depth_max);
    return !IsNull(old) && old != FindMember(after, path, form_.depth_max);
  });
}

std::string ChangeReader::Added(const Envelope& envelope) const {
  std::string added;
  for (const auto& path : form_.add_fields) {
    const auto value = FindMember(envelope.text, path, form_.depth_max);
    if (!value) continue;
    added += Quoted(AddedColumn(path));
    added += ':';
    added.append(*value);
    added += ',';
  }
  return added;
}

std::string ChangeReader::DeleteOf(std::string_view from, const Envelope* envelope) const {
  std::string document;
  for (const auto& path : form_.key) {
    const auto value = FindMember(from, path, form_.depth_max);
    if (IsNull(value)) return {};
    AppendMember(document, path, *value);
  }
  if (!form_.order_by.empty() && std::ranges::find(form_.key, form_.order_by) == form_.key.end()) {
    auto order = FindMember(from, form_.order_by, form_.depth_max);
    for (const auto& path : form_.add_fields) {
      if (envelope != nullptr && AddedColumn(path) == form_.order_by) {
        order = FindMember(envelope->text, path, form_.depth_max);
      }
    }
    if (!IsNull(order)) AppendMember(document, form_.order_by, *order);
  }
  return document + '}';
}

}  // namespace millrace::decode
