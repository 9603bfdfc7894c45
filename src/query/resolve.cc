#include "query/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "base/nearest.h"

namespace millrace::query {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

/// The snapshot that was current at a time.
const table::Snapshot* SnapshotAt(const table::TableMetadata& metadata, Timestamp time) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const table::TableMetadata::LogEntry* newest = nullptr;
  for (const auto& entry : metadata.snapshot_log) {
    if (entry.timestamp_ms <= millis) newest = &entry;
  }
  const auto* snapshot = newest ? metadata.FindSnapshot(newest->snapshot_id) : nullptr;
  if (snapshot) return snapshot;
  const auto oldest =
      metadata.snapshot_log.empty() ? std::optional<int64_t>() : metadata.snapshot_log.front().timestamp_ms;
  throw Error(ErrorCode::kData, fmt::format("nothing is known of it as of {}; {}", FormatTimestamp(time),
                                            oldest ? "the oldest snapshot is of " +
                                                         FormatTimestamp(Timestamp(std::chrono::milliseconds(*oldest)))
                                                   : std::string("it has no snapshot yet")));
}

const table::Snapshot* SnapshotById(const table::TableMetadata& metadata, table::SnapshotId id) {
  const auto* snapshot = metadata.FindSnapshot(id);
  if (!snapshot)
    throw Error(ErrorCode::kData,
                fmt::format("it has no snapshot {} (it has expired, or is another table's)", id.value()));
  return snapshot;
}

/// The past is read with the columns of then.
const schema::Schema& SchemaOf(const table::TableMetadata& metadata, const table::Snapshot* snapshot) {
  const auto* then = snapshot && snapshot->schema_id ? metadata.FindSchema(*snapshot->schema_id) : nullptr;
  return then ? *then : metadata.schema();
}

class Resolver {
 public:
  Resolver(catalog::Catalog& catalog, Connection& parser, const QueryOptions& options)
      : catalog_(catalog), parser_(parser), options_(options) {}

  void Add(const Statement& statement) {
    for (const auto& written : statement.tables) AddName(written);
  }
  std::vector<ResolvedName> Take() && { return std::move(resolved_); }

 private:
  void AddName(const catalog::TableName& written) {
    const auto key = KeyOf(written);
    if (open_.contains(key)) throw Error(ErrorCode::kData, fmt::format("view {} is made of itself", ToString(written)));
    const bool known = std::any_of(resolved_.begin(), resolved_.end(),
                                   [&](const ResolvedName& other) { return KeyOf(other.written) == key; });
    if (known) return;
    if (!written.name_space.empty() && (AddView(written, key) || AddTable(written, written))) return;
    for (const auto& table : AllTables(catalog_)) {
      if (KeyOf(table) == key && AddTable(written, table)) return;
    }
    ThrowUnknown(written);
  }

  bool AddView(const catalog::TableName& written, const std::string& key) {
    const auto view = std::find_if(options_.views.begin(), options_.views.end(),
                                   [&](const auto& entry) { return KeyOf(entry.first) == key; });
    if (view == options_.views.end()) return false;
    open_.insert(key);
    const auto statement = WithContext("view " + ToString(view->first), [&] {
      auto read = ReadStatement(parser_, view->second);
      if (read.kind != Statement::Kind::kSelect || !read.explain_prefix.empty())
        throw Error(ErrorCode::kData, "a view is a SELECT");
      if (!read.parameters.empty())
        throw Error(ErrorCode::kData,
                    fmt::format("a view has no parameters, and this one asks for ${}", read.parameters.front()));
      Add(read);
      return read;
    });
    open_.erase(key);
    ResolvedName resolved;
    resolved.written = written;
    resolved.name = view->first;
    resolved.view = statement.select;
    resolved_.push_back(std::move(resolved));
    return true;
  }

  bool AddTable(const catalog::TableName& written, const catalog::TableName& name) {
    auto loaded = catalog_.Load(name);
    if (!loaded) return false;
    ResolvedName resolved;
    resolved.written = written;
    resolved.name = name;
    resolved.table = std::move(loaded);
    resolved.with_path = options_.with_paths.contains(name);
    const auto only = options_.only_files.find(name);
    if (only != options_.only_files.end()) resolved.only_files = &only->second;
    const auto change = options_.changes.find(name);
    if (change != options_.changes.end()) resolved.change = &change->second;
    WithContext("table " + ToString(name), [&] { ChooseSnapshot(resolved); });
    resolved_.push_back(std::move(resolved));
    return true;
  }

  void ChooseSnapshot(ResolvedName& resolved) const {
    const auto& metadata = *resolved.table->metadata;
    const auto range = options_.ranges.find(resolved.name);
    resolved.schema = metadata.schema();
    if (range != options_.ranges.end()) {
      resolved.range = range->second;
      resolved.snapshot = range->second.upto ? SnapshotById(metadata, *range->second.upto) : nullptr;
    } else if (options_.as_of_snapshot) {
      resolved.snapshot = SnapshotById(metadata, *options_.as_of_snapshot);
      resolved.schema = SchemaOf(metadata, resolved.snapshot);
    } else if (options_.as_of) {
      resolved.snapshot = SnapshotAt(metadata, *options_.as_of);
      resolved.schema = SchemaOf(metadata, resolved.snapshot);
    } else {
      resolved.snapshot = metadata.current_snapshot();
    }
  }

  [[noreturn]] void ThrowUnknown(const catalog::TableName& written) const {
    std::vector<std::string> known;
    std::string same_name;
    for (const auto& table : AllTables(catalog_)) {
      known.push_back(ToString(table));
      if (Lower(table.name) == Lower(written.name)) same_name = known.back();
    }
    for (const auto& [view, sql] : options_.views) known.push_back(ToString(view));
    const auto name = written.name_space.empty() ? written.name : ToString(written);
    const auto hint = same_name.empty() ? Suggest(name, known) : fmt::format("; did you mean '{}'?", same_name);
    throw Error(ErrorCode::kData, fmt::format("there is no table '{}'{}", name, hint));
  }

  catalog::Catalog& catalog_;
  Connection& parser_;
  const QueryOptions& options_;
  std::set<std::string> open_;
  std::vector<ResolvedName> resolved_;
};

}  // namespace

std::string KeyOf(const catalog::TableName& name) { return Lower(name.name_space + "." + name.name); }

std::vector<catalog::TableName> AllTables(catalog::Catalog& catalog) {
  std::vector<catalog::TableName> tables;
  for (const auto& name_space : catalog.ListNamespaces()) {
    for (auto& table : catalog.ListTables(name_space)) tables.push_back(std::move(table));
  }
  return tables;
}

std::vector<ResolvedName> Resolve(catalog::Catalog& catalog, Connection& parser, const Statement& statement,
                                  const QueryOptions& options) {
  Resolver resolver(catalog, parser, options);
  resolver.Add(statement);
  return std::move(resolver).Take();
}

}  // namespace millrace::query
