#include "query/sandbox/remote_lake.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "table/metadata_file.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

constexpr int64_t kRangeBytes = int64_t{8} << 20;

[[noreturn]] void RefuseWrite() { throw Error(ErrorCode::kInternal, "nothing is written from here"); }

/// Of the keys that our own writers and others' make: nothing that has a second meaning in a URI or a path.
bool IsPlain(std::string_view key) {
  return key.find("..") == std::string_view::npos && key.find("//") == std::string_view::npos &&
         key.find('%') == std::string_view::npos;
}

class RemoteStore final : public io::ObjectStore {
 public:
  RemoteStore(LakeCalls& calls, std::string uri_root) : calls_(calls), uri_root_(std::move(uri_root)) {}

  io::PutOutcome PutIfAbsent(const std::string& /*key*/, std::string_view /*bytes*/) override { RefuseWrite(); }
  std::unique_ptr<io::ObjectWriter> OpenWriter(const std::string& /*key*/) override { RefuseWrite(); }
  void Delete(const std::string& /*key*/) override { RefuseWrite(); }
  void List(const std::string& /*prefix*/, const std::string& /*after*/,
            const std::function<bool(const io::ObjectInfo&)>& /*visit*/) override {
    throw Error(ErrorCode::kInternal, "objects are not listed from here");
  }

  std::optional<std::string> Get(const std::string& key) override {
    const auto size = Size(key);
    if (!size) return std::nullopt;
    return GetRange(key, 0, *size);
  }

  std::optional<int64_t> Size(const std::string& key) override {
    const auto answer = Json::parse(calls_.Ask({{"call", "size"}, {"key", key}}));
    return answer.is_null() ? std::nullopt : std::optional(answer.get<int64_t>());
  }

  std::string GetRange(const std::string& key, int64_t offset, int64_t length) override {
    std::string bytes;
    while (length > 0) {
      const auto part = std::min(length, kRangeBytes);
      bytes += calls_.Ask({{"call", "read"}, {"key", key}, {"offset", offset}, {"length", part}});
      offset += part;
      length -= part;
    }
    return bytes;
  }

  std::string UriOf(const std::string& key) const override { return uri_root_ + key; }

  std::optional<std::string> KeyOf(std::string_view uri) const override {
    if (uri.starts_with(uri_root_) && IsPlain(uri.substr(uri_root_.size()))) {
      return std::string(uri.substr(uri_root_.size()));
    }
    const auto answer = Json::parse(calls_.Ask({{"call", "key"}, {"uri", uri}}));
    return answer.is_null() ? std::nullopt : std::optional(answer.get<std::string>());
  }

 private:
  LakeCalls& calls_;
  const std::string uri_root_;
};

class RemoteCatalog final : public catalog::Catalog {
 public:
  RemoteCatalog(LakeCalls& calls, io::ObjectStore& store) : calls_(calls), store_(store) {}

  std::vector<std::string> ListNamespaces() override {
    return Json::parse(calls_.Ask({{"call", "namespaces"}})).get<std::vector<std::string>>();
  }

  std::vector<catalog::TableName> ListTables(const std::string& name_space) override {
    const auto names = Json::parse(calls_.Ask({{"call", "tables"}, {"namespace", name_space}}));
    std::vector<catalog::TableName> tables;
    for (const auto& name : names) tables.push_back({name_space, name.get<std::string>()});
    return tables;
  }

  std::optional<catalog::LoadedTable> Load(const catalog::TableName& name) override {
    const auto location =
        Json::parse(calls_.Ask({{"call", "load"}, {"namespace", name.name_space}, {"name", name.name}}));
    if (location.is_null()) return std::nullopt;
    catalog::LoadedTable loaded{.name = name, .metadata_location = location.get<std::string>(), .metadata = nullptr};
    loaded.metadata =
        std::make_shared<const table::TableMetadata>(table::ReadMetadataFile(store_, loaded.metadata_location));
    return loaded;
  }

  void EnsureNamespace(const std::string& /*name_space*/) override { RefuseWrite(); }
  catalog::CommitResult Create(const catalog::CreateTable& /*request*/) override { RefuseWrite(); }
  catalog::CommitResult Commit(const catalog::TableName& /*name*/, const std::vector<table::Requirement>& /*demands*/,
                               const std::vector<table::Update>& /*updates*/) override {
    RefuseWrite();
  }
  bool Drop(const catalog::TableName& /*name*/) override { RefuseWrite(); }
  void Rename(const catalog::TableName& /*from*/, const catalog::TableName& /*to*/) override { RefuseWrite(); }
  io::ObjectStore& store() override { return store_; }

 private:
  LakeCalls& calls_;
  io::ObjectStore& store_;
};

}  // namespace

std::string PrintError(const Error& error) {
  const Json text = {{"code", static_cast<int>(error.code())}, {"message", error.what()}};
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error ParseError(const std::string& text) {
  const auto parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object()) return {ErrorCode::kUnavailable, "it failed without saying why"};
  const auto code = parsed.value("code", static_cast<int>(ErrorCode::kInternal));
  const bool known = code >= 0 && code <= static_cast<int>(ErrorCode::kInternal);
  return {known ? static_cast<ErrorCode>(code) : ErrorCode::kInternal, parsed.value("message", std::string())};
}

std::string LakeCalls::Ask(const Json& call) {
  const std::lock_guard lock(mutex_);
  channel_.Send(FrameKind::kCall, call.dump());
  auto answer = channel_.Receive();
  if (!answer) throw Error(ErrorCode::kUnavailable, "the process that asked has gone");
  if (answer->kind == FrameKind::kRefusal) throw ParseError(answer->body);
  return std::move(answer->body);
}

void LakeCalls::Tell(FrameKind kind, std::string_view body) {
  const std::lock_guard lock(mutex_);
  channel_.Send(kind, body);
}

std::unique_ptr<io::ObjectStore> MakeRemoteStore(LakeCalls& calls, std::string uri_root) {
  return std::make_unique<RemoteStore>(calls, std::move(uri_root));
}

std::unique_ptr<catalog::Catalog> MakeRemoteCatalog(LakeCalls& calls, io::ObjectStore& store) {
  return std::make_unique<RemoteCatalog>(calls, store);
}

void BringFiles(LakeCalls& calls, const std::vector<KnownObject>& objects) {
  constexpr size_t kAtOnce = 1000;
  for (size_t at = 0; at < objects.size(); at += kAtOnce) {
    Json files = Json::array();
    for (size_t i = at; i < std::min(objects.size(), at + kAtOnce); ++i) {
      files.push_back({{"key", objects[i].key}, {"size", objects[i].size}});
    }
    calls.Ask({{"call", "bring"}, {"files", std::move(files)}});
  }
}

}  // namespace millrace::query
