#include "catalog/rest/vended_credentials.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;
using schema::JsonObject;

/// Newer ones are asked for this long before the old ones end, or half their life before if that is less; the old ones
/// serve until then if the asking fails.
constexpr Timestamp::duration kRefreshBefore = std::chrono::minutes(2);
/// While the old ones serve, a catalogue that did not answer is left alone for as long.
constexpr auto kAskAgainAfter = std::chrono::seconds(5);

std::string TextOf(const json& config, const char* name) {
  const std::string* text = JsonObject(config, "config").MaybeString(name);
  return text == nullptr ? std::string() : *text;
}

std::optional<Timestamp> TimeOf(const std::string& milliseconds) {
  if (milliseconds.empty()) return std::nullopt;
  int64_t count = 0;
  const char* end = milliseconds.data() + milliseconds.size();
  const auto parsed = std::from_chars(milliseconds.data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    throw Error(ErrorCode::kData, "s3.session-token-expires-at-ms of vended credentials is no number");
  }
  return Timestamp(std::chrono::milliseconds(count));
}

/// The keys among properties of Iceberg's S3FileIO.
std::optional<io::AwsCredentials> KeysIn(const json& config) {
  io::AwsCredentials keys;
  keys.access_key_id = TextOf(config, "s3.access-key-id");
  keys.secret_access_key = TextOf(config, "s3.secret-access-key");
  keys.session_token = TextOf(config, "s3.session-token");
  keys.expires = TimeOf(TextOf(config, "s3.session-token-expires-at-ms"));
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) return std::nullopt;
  return keys;
}

/// s3a and s3n are other names that clients of Hadoop have for s3.
std::string AsS3(std::string prefix) {
  if (prefix.starts_with("s3a://") || prefix.starts_with("s3n://")) prefix.erase(2, 1);
  return prefix;
}

}  // namespace

std::vector<StorageCredential> ParseStorageCredentials(const JsonObject& answer, const std::string& location) {
  std::vector<StorageCredential> credentials;
  if (const json* vended = answer.MaybeArray("storage-credentials")) {
    for (size_t i = 0; i < vended->size(); ++i) {
      const JsonObject each((*vended)[i], answer.PathOf("storage-credentials", i));
      if (auto keys = KeysIn(each.Member("config")))
        credentials.push_back({AsS3(each.String("prefix")), std::move(*keys)});
    }
  }
  const json* config = answer.Maybe("config");
  if (config == nullptr || location.empty()) return credentials;
  const std::string all = AsS3(location);
  const bool known = std::ranges::any_of(credentials, [&](const auto& each) { return all.starts_with(each.prefix); });
  if (auto keys = KeysIn(*config); keys && !known) credentials.push_back({all, std::move(*keys)});
  return credentials;
}

void VendedCredentials::SetRefresh(Refresh refresh) {
  const std::lock_guard refreshing(refreshing_);
  refresh_ = std::move(refresh);
}

void VendedCredentials::Learn(const TableName& table, const std::vector<StorageCredential>& credentials) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : credentials)
    entries_[each.prefix] = {.table = table, .keys = each.keys, .learned = clock_.Now()};
}

/// Prefixes of one text sort by their length, and any text that sorts between them is no prefix of it.
VendedCredentials::Entries::iterator VendedCredentials::Find(const std::string& uri) {
  auto entry = entries_.lower_bound(uri);
  while (entry != entries_.end() && !uri.starts_with(entry->first)) ++entry;
  return entry;
}

bool VendedCredentials::IsStale(const Entry& entry) const {
  if (HasEnded(entry)) return true;
  const auto now = clock_.Now();
  if (!entry.keys.expires || now < entry.ask_again_at) return false;
  return now + std::min(kRefreshBefore, (*entry.keys.expires - entry.learned) / 2) >= *entry.keys.expires;
}

bool VendedCredentials::HasEnded(const Entry& entry) const {
  return entry.refused || (entry.keys.expires && clock_.Now() >= *entry.keys.expires);
}

std::optional<io::AwsCredentials> VendedCredentials::For(const std::string& uri) {
  const auto look = [&]() -> std::optional<Entry> {
    const std::lock_guard lock(mutex_);
    const auto found = Find(uri);
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
  };
  auto entry = look();
  if (!entry || !IsStale(*entry)) return entry ? std::optional(entry->keys) : std::nullopt;
  const std::lock_guard refreshing(refreshing_);
  entry = look();  // somebody else may have asked meanwhile
  if (!IsStale(*entry) || !refresh_) return entry->keys;
  try {
    Learn(entry->table, refresh_(entry->table));
  } catch (const Error& error) {
    if (HasEnded(*entry)) throw;
    const std::lock_guard lock(mutex_);
    Find(uri)->second.ask_again_at = clock_.Now() + kAskAgainAfter;
    LogWarning("newer credentials of {} cannot be had yet: {}", ToString(entry->table), error.what());
  }
  return look()->keys;
}

void VendedCredentials::Refused(const std::string& uri, const io::AwsCredentials& used) {
  const std::lock_guard lock(mutex_);
  const auto found = Find(uri);
  if (found == entries_.end()) return;
  auto& keys = found->second.keys;
  const bool kept = keys.access_key_id == used.access_key_id && keys.session_token == used.session_token;
  found->second.refused = found->second.refused || kept;
}

}  // namespace millrace::catalog
