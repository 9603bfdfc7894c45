#include "schema/registry/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "io/digest.h"
#include "io/sqlite.h"
#include "io/sqlite_format.h"
#include "schema/json_object.h"
#include "schema/protobuf/protobuf_schema.h"
#include "schema/registry/references.h"

namespace millrace::schema {
namespace {

using io::Statement;
using io::Transaction;
using Json = nlohmann::json;

constexpr size_t kReferencesMax = 1'000;
constexpr size_t kSubjectBytesMax = 1'024;
constexpr size_t kSchemaBytesMax = size_t{1} << 20;
/// 4 MiB in the write-ahead log.
constexpr int kCheckpointFrames = 1'000;

constexpr int64_t kLayout = 1;
constexpr const char* kTables = R"(
  CREATE TABLE IF NOT EXISTS schemas(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, text TEXT NOT NULL,
                                     refs TEXT NOT NULL, digest BLOB NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS versions(subject TEXT NOT NULL, version INTEGER NOT NULL, id INTEGER NOT NULL,
                                      deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(subject, version)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS versions_by_id ON versions(id);
  CREATE TABLE IF NOT EXISTS settings(subject TEXT PRIMARY KEY, compatibility TEXT, mode TEXT) WITHOUT ROWID;
)";

[[noreturn]] void NoSubject(const std::string& subject) {
  throw RegistryRefusal(40401, fmt::format("Subject '{}' not found.", subject));
}
[[noreturn]] void NoVersion(const std::string& version) {
  throw RegistryRefusal(40402, fmt::format("Version {} not found.", version));
}
[[noreturn]] void NoSchema() { throw RegistryRefusal(40403, "Schema not found"); }

std::string ReferencesJson(const std::vector<SchemaReference>& references) {
  Json json = Json::array();
  for (const auto& reference : references) {
    json.push_back({{"name", reference.name}, {"subject", reference.subject}, {"version", reference.version}});
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<SchemaReference> ReferencesFrom(const std::string& text) {
  std::vector<SchemaReference> references;
  for (const auto& reference : Json::parse(text)) {
    references.push_back({reference.at("name"), reference.at("subject"), reference.at("version")});
  }
  return references;
}

/// Before anything looks into it.
void CheckSize(const SchemaText& schema) {
  if (schema.text.size() > kSchemaBytesMax) throw RegistryRefusal(42201, "Invalid schema: it is longer than 1 MiB");
  if (schema.references.size() > kReferencesMax) {
    throw RegistryRefusal(42201, "Invalid schema: it refers to more than 1000 others");
  }
}

/// Equal for schemas that differ in white space and in the order of members only.
std::string PlainForm(const SchemaText& schema) {
  if (schema.kind == SchemaKind::kProtobuf) {
    try {
      return ProtobufFileBytes(schema.text);
    } catch (const Error&) {
      return schema.text;  // told by who checks it
    }
  }
  const auto json = MaybeParseJson(schema.text);
  return json ? json->dump(-1, ' ', false, Json::error_handler_t::replace) : schema.text;
}

std::string DigestOf(const SchemaText& schema) {
  const auto text = PlainForm(schema);
  return io::Sha256(fmt::format("{}\n{}\n{}", ToString(schema.kind), ReferencesJson(schema.references), text));
}

std::string Escaped(const std::string& prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (c == '%' || c == '_' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern + "%";
}

}  // namespace

class RegistryStore::Impl {
 public:
  explicit Impl(const std::filesystem::path& file) : db_(file, "") {
    db_.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    Transaction transaction(db_, Transaction::Kind::kWrite);
    io::EnsureLayout(db_, file, kLayout);
    db_.Execute(kTables);
    transaction.Commit();
  }

  /// One call at a time, in one transaction.
  template <typename Body>
  auto In(Transaction::Kind kind, Body&& body) {
    const std::scoped_lock lock(mutex_);
    Transaction transaction(db_, kind);
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      Finish(kind, transaction);
    } else {
      auto result = body();
      Finish(kind, transaction);
      return result;
    }
  }
  template <typename Body>
  auto Reading(Body&& body) {
    return In(Transaction::Kind::kRead, std::forward<Body>(body));
  }
  template <typename Body>
  auto Writing(Body&& body) {
    return In(Transaction::Kind::kWrite, std::forward<Body>(body));
  }

  // What follows runs inside a transaction.

  std::optional<SchemaText> TextOf(int32_t id) {
    auto query = db_.Prepare("SELECT kind, text, refs FROM schemas WHERE id = ?");
    query.Bind(0, id);
    if (!query.Step()) return std::nullopt;
    return SchemaText{.kind = ParseSchemaKind(query.Text(0)).value_or(SchemaKind::kAvro),
                      .text = query.Text(1),
                      .references = ReferencesFrom(query.Text(2))};
  }

  std::optional<int32_t> IdOf(const SchemaText& schema) {
    CheckSize(schema);
    const auto digest = DigestOf(schema);
    auto query = db_.Prepare("SELECT id FROM schemas WHERE digest = ?");
    query.BindBlob(0, digest);
    if (!query.Step()) return std::nullopt;
    return static_cast<int32_t>(query.Int(0));
  }

  RegisteredSchema Complete(int32_t id, const SchemaText& text) {
    return WithReferences(id, text, [&](const SchemaReference& reference) {
      auto query = db_.Prepare("SELECT id FROM versions WHERE subject = ? AND version = ?");
      query.Bind(0, reference.subject).Bind(1, reference.version);
      auto used = query.Step() ? TextOf(static_cast<int32_t>(query.Int(0))) : std::nullopt;
      if (used) return *std::move(used);
      throw RegistryRefusal(42201, fmt::format("Invalid schema: it refers to '{}' version {}, which is not there",
                                               reference.subject, reference.version));
    });
  }

  RegisteredSchema Checked(const SchemaText& text) {
    CheckSize(text);
    if (text.text.empty()) throw RegistryRefusal(42201, "Empty schema");
    try {
      auto schema = Complete(0, text);
      CheckSchema(schema);
      return schema;
    } catch (const RegistryRefusal&) {
      throw;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      throw RegistryRefusal(42201, fmt::format("Invalid schema: {}", error.message()));
    }
  }

  struct Row {
    int32_t version = 0;
    int32_t id = 0;
    bool deleted = false;
  };
  std::vector<Row> Rows(const std::string& subject, Deleted deleted) {
    auto query = db_.Prepare("SELECT version, id, deleted FROM versions WHERE subject = ? ORDER BY version");
    query.Bind(0, subject);
    std::vector<Row> rows;
    while (query.Step()) {
      const Row row{static_cast<int32_t>(query.Int(0)), static_cast<int32_t>(query.Int(1)), query.Int(2) != 0};
      if (deleted == Deleted::kShown || !row.deleted) rows.push_back(row);
    }
    return rows;
  }

  /// 40401 when there is no such subject, 40402 when it has no such version.
  Row RowOf(const std::string& subject, const std::string& version, Deleted deleted) {
    int32_t number = 0;
    if (version != "latest" && version != "-1") {
      const auto* last = version.data() + version.size();
      const auto [end, error] = std::from_chars(version.data(), last, number);
      if (error != std::errc() || end != last || number < 1) {
        throw RegistryRefusal(42202, fmt::format("The specified version '{}' is not a valid version id. Allowed values "
                                                 "are between [1, 2^31-1] and the string \"latest\"",
                                                 version));
      }
    }
    const auto rows = Rows(subject, deleted);
    if (rows.empty()) NoSubject(subject);
    if (number == 0) return rows.back();
    const auto found = std::ranges::find(rows, number, &Row::version);
    if (found == rows.end()) NoVersion(version);
    return *found;
  }

  SchemaVersion VersionOf(const std::string& subject, const Row& row) {
    return {.subject = subject, .version = row.version, .id = row.id, .schema = TextOf(row.id).value_or(SchemaText{})};
  }

  std::optional<std::string> Setting(const std::string& subject, const char* column) {
    auto query = db_.Prepare(fmt::format("SELECT {} FROM settings WHERE subject = ?", column));
    query.Bind(0, subject);
    if (!query.Step() || query.IsNull(0)) return std::nullopt;
    return query.Text(0);
  }
  void Set(const std::string& subject, const char* column, const std::optional<std::string>& value) {
    auto change = db_.Prepare(fmt::format(
        "INSERT INTO settings(subject, {0}) VALUES(?, ?) ON CONFLICT(subject) DO UPDATE SET {0} = excluded.{0}",
        column));
    change.Bind(0, subject);
    value ? change.Bind(1, *value) : change.BindNull(1);
    change.Run();
  }
  std::string Mode(const std::string& subject) {
    auto global = Setting("", "mode").value_or("READWRITE");
    if (global == "READONLY_OVERRIDE") return global;
    return Setting(subject, "mode").value_or(global);
  }
  Compatibility Level(const std::string& subject) {
    auto word = Setting(subject, "compatibility");
    if (!word) word = Setting("", "compatibility");
    return word ? ParseCompatibility(*word).value_or(Compatibility::kBackward) : Compatibility::kBackward;
  }
  void MayWrite(const std::string& subject) {
    const auto mode = Mode(subject);
    if (!mode.starts_with("READONLY")) return;
    throw RegistryRefusal(42205, fmt::format("Subject {} in context  is in read-only mode", subject));
  }

  std::vector<std::string> WhyNot(Compatibility level, const std::vector<Row>& before, const RegisteredSchema& added) {
    std::vector<RegisteredSchemaPtr> schemas;
    for (const auto& row : before) {
      const auto text = TextOf(row.id);
      if (text) schemas.push_back(std::make_shared<const RegisteredSchema>(Complete(row.id, *text)));
    }
    return WhyIncompatible(level, added, schemas);
  }

  int32_t Register(const std::string& subject, const SchemaText& text, const Import& import) {
    if (subject.empty() || subject.size() > kSubjectBytesMax) {
      throw RegistryRefusal(42208, fmt::format("The specified subject '{}' is not a valid.", subject.substr(0, 100)));
    }
    MayWrite(subject);
    const bool importing = Mode(subject) == "IMPORT";
    if (!importing && import.id && *import.id >= 0) {
      throw RegistryRefusal(42205, fmt::format("Subject {} is not in import mode", subject));
    }
    const auto rows = Rows(subject, Deleted::kHidden);
    auto id = IdOf(text);
    if (id && !(importing && import.version)) {
      if (std::ranges::find(rows, *id, &Row::id) != rows.end()) return *id;
    }
    const auto added = Checked(text);
    if (!importing) {
      const auto whys = WhyNot(Level(subject), rows, added);
      if (!whys.empty()) {
        throw RegistryRefusal(409, fmt::format("Schema being registered is incompatible with an earlier schema for "
                                               "subject \"{}\", details: [{}]",
                                               subject, fmt::join(whys, "; ")));
      }
    }
    id = Numbered(text, id, importing ? import.id : std::nullopt);
    AddVersion(subject, *id, importing, import.version);
    return *id;
  }

  int32_t Numbered(const SchemaText& text, std::optional<int32_t> known, std::optional<int32_t> wanted) {
    if (known && (!wanted || *wanted == *known)) return *known;
    if (wanted && (known || TextOf(*wanted))) {
      throw RegistryRefusal(42205, fmt::format("Overwrite new schema with id {} is not permitted.", *wanted));
    }
    auto change = db_.Prepare("INSERT INTO schemas(id, kind, text, refs, digest) VALUES(?, ?, ?, ?, ?)");
    // AUTOINCREMENT: numbers are never given twice, not even those of schemas that are gone.
    const auto refs = ReferencesJson(text.references), digest = DigestOf(text);
    wanted ? change.Bind(0, *wanted) : change.BindNull(0);
    change.Bind(1, ToString(text.kind)).Bind(2, text.text).Bind(3, refs).BindBlob(4, digest);
    change.Run();
    return Within32Bits(db_.QueryInt("SELECT last_insert_rowid()"));
  }

  void AddVersion(const std::string& subject, int32_t id, bool importing, std::optional<int32_t> wanted) {
    const auto rows = Rows(subject, Deleted::kShown);
    const auto next = Within32Bits(rows.empty() ? 1 : int64_t{rows.back().version} + 1);
    const auto version = wanted.value_or(next);
    if (!importing && version != next) {
      throw RegistryRefusal(42201, "Invalid schema: Version is not one more than previous version");
    }
    const auto there = std::ranges::find(rows, version, &Row::version);
    if (there != rows.end() && there->id != id) {
      throw RegistryRefusal(
          42205, fmt::format("Subject {} has another schema as version {} already; delete it first", subject, version));
    }
    auto change = db_.Prepare("INSERT OR REPLACE INTO versions(subject, version, id, deleted) VALUES(?, ?, ?, 0)");
    change.Bind(0, subject).Bind(1, version).Bind(2, id);
    change.Run();
  }

  /// An import may have taken the highest number there is.
  static int32_t Within32Bits(int64_t number) {
    if (number <= std::numeric_limits<int32_t>::max()) return static_cast<int32_t>(number);
    throw RegistryRefusal(50001, "No number is left: an import has taken the highest one, 2147483647");
  }

  std::vector<int32_t> ReferencedBy(const std::string& subject, int32_t version) {
    auto query = db_.Prepare(
        "SELECT DISTINCT s.id FROM schemas s JOIN versions v ON v.id = s.id AND v.deleted = 0, json_each(s.refs) r "
        "WHERE json_extract(r.value, '$.subject') = ? AND json_extract(r.value, '$.version') = ? ORDER BY s.id");
    query.Bind(0, subject).Bind(1, version);
    std::vector<int32_t> ids;
    while (query.Step()) ids.push_back(static_cast<int32_t>(query.Int(0)));
    return ids;
  }

  void MayDelete(const std::string& subject, int32_t version) {
    if (ReferencedBy(subject, version).empty()) return;
    throw RegistryRefusal(
        42206, fmt::format("One or more references exist to the schema {{subject={},version={}}}.", subject, version));
  }

  void Delete(const std::string& subject, int32_t version, bool permanent) {
    auto change = db_.Prepare(permanent ? "DELETE FROM versions WHERE subject = ? AND version = ?"
                                        : "UPDATE versions SET deleted = 1 WHERE subject = ? AND version = ?");
    change.Bind(0, subject).Bind(1, version);
    change.Run();
  }

  /// Schemas that no version has any more go.
  void DropUnused() { db_.Execute("DELETE FROM schemas WHERE id NOT IN (SELECT id FROM versions)"); }

  io::Connection& db() { return db_; }

 private:
  void Finish(Transaction::Kind kind, Transaction& transaction) {
    transaction.Commit();
    if (kind == Transaction::Kind::kWrite && db_.wal_frames() >= kCheckpointFrames) db_.Checkpoint(/*restart=*/true);
  }

  std::mutex mutex_;
  io::Connection db_;
};

RegistryStore::RegistryStore(const std::filesystem::path& file) : impl_(std::make_unique<Impl>(file)) {}
RegistryStore::~RegistryStore() = default;

RegisteredSchemaPtr RegistryStore::Find(int32_t id) {
  return impl_->Reading([&]() -> RegisteredSchemaPtr {
    const auto text = impl_->TextOf(id);
    if (!text) return nullptr;
    return std::make_shared<const RegisteredSchema>(impl_->Complete(id, *text));
  });
}

int32_t RegistryStore::Register(const std::string& subject, const SchemaText& schema) {
  return Register(subject, schema, {});
}

RegisteredSchemaPtr RegistryStore::Version(const std::string& subject, std::optional<int32_t> version) {
  return impl_->Reading([&]() -> RegisteredSchemaPtr {
    const auto rows = impl_->Rows(subject, Deleted::kHidden);
    const auto row =
        version ? std::ranges::find(rows, *version, &Impl::Row::version) : rows.end() - (rows.empty() ? 0 : 1);
    const auto text = row == rows.end() ? std::nullopt : impl_->TextOf(row->id);
    if (!text) return nullptr;
    return std::make_shared<const RegisteredSchema>(impl_->Complete(row->id, *text));
  });
}

int32_t RegistryStore::Register(const std::string& subject, const SchemaText& schema, const Import& import) {
  return impl_->Writing([&] { return impl_->Register(subject, schema, import); });
}

SchemaVersion RegistryStore::Lookup(const std::string& subject, const SchemaText& schema, Deleted deleted) {
  return impl_->Reading([&] {
    const auto rows = impl_->Rows(subject, deleted);
    if (rows.empty()) NoSubject(subject);
    const auto id = impl_->IdOf(schema);
    if (!id) {
      impl_->Checked(schema);
      NoSchema();
    }
    const auto found = std::ranges::find(rows, *id, &Impl::Row::id);
    if (found == rows.end()) NoSchema();
    return impl_->VersionOf(subject, *found);
  });
}

std::vector<std::string> RegistryStore::Subjects(const std::string& prefix, Deleted deleted) {
  return impl_->Reading([&] {
    auto query = impl_->db().Prepare(
        "SELECT DISTINCT subject FROM versions WHERE subject LIKE ? ESCAPE '\\' AND deleted <= ? ORDER BY subject");
    const auto pattern = Escaped(prefix);
    query.Bind(0, pattern).Bind(1, deleted == Deleted::kShown ? 1 : 0);
    std::vector<std::string> subjects;
    while (query.Step()) subjects.push_back(query.Text(0));
    // LIKE ignores case.
    std::erase_if(subjects, [&](const auto& subject) { return !subject.starts_with(prefix); });
    return subjects;
  });
}

std::vector<int32_t> RegistryStore::Versions(const std::string& subject, Deleted deleted) {
  return impl_->Reading([&] {
    std::vector<int32_t> versions;
    for (const auto& row : impl_->Rows(subject, deleted)) versions.push_back(row.version);
    if (versions.empty()) NoSubject(subject);
    return versions;
  });
}

SchemaVersion RegistryStore::Get(const std::string& subject, const std::string& version, Deleted deleted) {
  return impl_->Reading([&] { return impl_->VersionOf(subject, impl_->RowOf(subject, version, deleted)); });
}

std::vector<int32_t> RegistryStore::DeleteSubject(const std::string& subject, bool permanent) {
  return impl_->Writing([&] {
    impl_->MayWrite(subject);
    const auto all = impl_->Rows(subject, Deleted::kShown);
    if (all.empty()) NoSubject(subject);
    const auto live = impl_->Rows(subject, Deleted::kHidden);
    if (permanent && !live.empty()) {
      throw RegistryRefusal(
          40405, fmt::format("Subject '{}' was not deleted first before being permanently deleted", subject));
    }
    if (!permanent && live.empty()) {
      throw RegistryRefusal(
          40404, fmt::format("Subject '{}' was soft deleted.Set permanent=true to delete permanently", subject));
    }
    std::vector<int32_t> versions;
    for (const auto& row : permanent ? all : live) {
      impl_->MayDelete(subject, row.version);
      impl_->Delete(subject, row.version, permanent);
      versions.push_back(row.version);
    }
    if (permanent) impl_->DropUnused();
    return versions;
  });
}

int32_t RegistryStore::DeleteVersion(const std::string& subject, const std::string& version, bool permanent) {
  return impl_->Writing([&] {
    impl_->MayWrite(subject);
    const auto row = impl_->RowOf(subject, version, Deleted::kShown);
    if (permanent && !row.deleted) {
      throw RegistryRefusal(40407, fmt::format("Subject '{}' Version {} was not deleted first before being permanently "
                                               "deleted",
                                               subject, row.version));
    }
    if (!permanent && row.deleted) {
      throw RegistryRefusal(40406, fmt::format("Subject '{}' Version {} was soft deleted.Set permanent=true to delete "
                                               "permanently",
                                               subject, row.version));
    }
    impl_->MayDelete(subject, row.version);
    impl_->Delete(subject, row.version, permanent);
    if (permanent) impl_->DropUnused();
    return row.version;
  });
}

std::vector<int32_t> RegistryStore::ReferencedBy(const std::string& subject, const std::string& version) {
  return impl_->Reading(
      [&] { return impl_->ReferencedBy(subject, impl_->RowOf(subject, version, Deleted::kShown).version); });
}

SchemaText RegistryStore::ById(int32_t id) {
  return impl_->Reading([&] {
    auto text = impl_->TextOf(id);
    if (!text) NoSchema();
    return *std::move(text);
  });
}

std::vector<SchemaVersion> RegistryStore::UsesOf(int32_t id, Deleted deleted) {
  return impl_->Reading([&] {
    if (!impl_->TextOf(id)) NoSchema();
    auto query = impl_->db().Prepare(
        "SELECT subject, version FROM versions WHERE id = ? AND deleted <= ? ORDER BY subject, version");
    query.Bind(0, id).Bind(1, deleted == Deleted::kShown ? 1 : 0);
    std::vector<SchemaVersion> uses;
    while (query.Step()) {
      uses.push_back({.subject = query.Text(0), .version = static_cast<int32_t>(query.Int(1)), .id = id, .schema = {}});
    }
    return uses;
  });
}

std::vector<SchemaVersion> RegistryStore::All(const std::string& prefix, Deleted deleted, bool latest_only) {
  const auto subjects = Subjects(prefix, deleted);
  return impl_->Reading([&] {
    std::vector<SchemaVersion> all;
    for (const auto& subject : subjects) {
      auto rows = impl_->Rows(subject, deleted);
      if (latest_only && rows.size() > 1) rows.erase(rows.begin(), rows.end() - 1);
      for (const auto& row : rows) all.push_back(impl_->VersionOf(subject, row));
    }
    return all;
  });
}

std::vector<std::string> RegistryStore::WhyNot(const std::string& subject, const std::optional<std::string>& version,
                                               const SchemaText& schema) {
  return impl_->Reading([&] {
    const auto added = impl_->Checked(schema);
    const auto level = impl_->Level(subject);
    if (version) return impl_->WhyNot(level, {impl_->RowOf(subject, *version, Deleted::kHidden)}, added);
    return impl_->WhyNot(level, impl_->Rows(subject, Deleted::kHidden), added);
  });
}

std::optional<Compatibility> RegistryStore::OwnCompatibility(const std::string& subject) {
  return impl_->Reading([&]() -> std::optional<Compatibility> {
    const auto word = impl_->Setting(subject, "compatibility");
    return word ? ParseCompatibility(*word) : std::nullopt;
  });
}

Compatibility RegistryStore::CompatibilityOf(const std::string& subject) {
  return impl_->Reading([&] { return impl_->Level(subject); });
}

void RegistryStore::SetCompatibility(const std::string& subject, std::optional<Compatibility> level) {
  impl_->Writing([&] {
    impl_->MayWrite(subject);
    impl_->Set(subject, "compatibility", level ? std::optional(std::string(ToString(*level))) : std::nullopt);
  });
}

std::optional<std::string> RegistryStore::OwnMode(const std::string& subject) {
  return impl_->Reading([&] { return impl_->Setting(subject, "mode"); });
}

std::string RegistryStore::ModeOf(const std::string& subject) {
  return impl_->Reading([&] { return impl_->Mode(subject); });
}

void RegistryStore::SetMode(const std::string& subject, const std::optional<std::string>& mode, bool force) {
  static const std::set<std::string> kModes = {"READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"};
  if (mode && !kModes.contains(*mode)) {
    throw RegistryRefusal(42204, "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT");
  }
  impl_->Writing([&] {
    if (mode == "IMPORT" && !force && impl_->Mode(subject) != "IMPORT") {
      const auto used = subject.empty() ? impl_->db().QueryInt("SELECT count(*) FROM versions") > 0
                                        : !impl_->Rows(subject, Deleted::kShown).empty();
      if (used) throw RegistryRefusal(42205, "Cannot import since found existing subjects");
    }
    impl_->Set(subject, "mode", mode);
  });
}

}  // namespace millrace::schema
