#include "catalog/sql/sql_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "base/error.h"

namespace millrace::catalog {
namespace {

constexpr const char* kMakeTables =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT "
    "NULL, "
    "table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), "
    "iceberg_type VARCHAR(5), PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace "
    "VARCHAR(255) NOT NULL, "
    "property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000) NOT NULL, PRIMARY KEY (catalog_name, namespace, "
    "property_key));"
    "COMMIT";

/// What programs write so that a namespace without properties is there.
constexpr const char* kExists = "exists";

constexpr const char* kWhereTable = " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?";

}  // namespace

SqlTables::SqlTables(const std::filesystem::path& file, std::string catalog_name, std::chrono::milliseconds lock_wait,
                     const std::string& vfs)
    : file_name_(file.string()), catalog_name_(std::move(catalog_name)), file_(file, lock_wait, vfs), kept_(file_) {
  // What looks is closed before anything is made: of two processes that kept their looks open, none could write.
  if (!HasTables()) file_.Execute(kMakeTables);
  CheckLayout();
}

bool SqlTables::HasTables() {
  SqliteStatement tables(
      file_, "SELECT count(*) FROM sqlite_master WHERE name IN ('iceberg_tables', 'iceberg_namespace_properties')", {});
  tables.Step();
  return tables.Text(0) == "2";
}

void SqlTables::CheckLayout() {
  std::set<std::string> missing = {"catalog_name", "table_namespace", "table_name", "metadata_location",
                                   "previous_metadata_location"};
  has_type_ = false;
  SqliteStatement columns(file_, "SELECT name, \"notnull\", dflt_value, pk FROM pragma_table_info('iceberg_tables')",
                          {});
  while (columns.Step()) {
    const std::string column = columns.Text(0);
    if (column == "iceberg_type") has_type_ = true;
    const bool known = missing.erase(column) > 0 || column == "iceberg_type";
    const bool must_be_given = columns.Text(3) != "0" || (columns.Text(1) != "0" && columns.IsNull(2));
    if (!known && must_be_given) {
      throw Error(ErrorCode::kStop,
                  fmt::format("the catalogue {} was laid out by a newer program (its column {} is not known here); use "
                              "that program, or give the catalogue another path",
                              file_name_, column));
    }
  }
  if (!missing.empty()) {
    throw Error(
        ErrorCode::kStop,
        fmt::format(
            "{} is no Iceberg SQL catalogue (its table iceberg_tables lacks {}); give the catalogue another path",
            file_name_, *missing.begin()));
  }
  if (has_type_) table_rows_only_ = " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";
}

template <typename Body>
SqlTables::Outcome SqlTables::Write(Body body) {
  const std::lock_guard lock(mutex_);
  return WriteInTransaction(file_, body);
}

std::optional<std::string> SqlTables::FindLocation(const TableName& name) {
  const std::lock_guard lock(mutex_);
  SqliteStatement query(file_,
                        std::string("SELECT metadata_location FROM iceberg_tables") + kWhereTable + table_rows_only_,
                        {catalog_name_, name.name_space, name.name});
  if (!query.Step() || query.IsNull(0)) return std::nullopt;
  return query.Text(0);
}

bool SqlTables::InsertTable(const TableName& name, const std::string& location) {
  if (!HasNamespace(name.name_space)) InsertNamespace(name.name_space);
  const char* sql =
      has_type_
          ? "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) "
            "VALUES (?, ?, ?, ?, 'TABLE')"
          : "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) "
            "VALUES (?, ?, ?, ?)";
  SqliteStatement insert(file_, sql, {catalog_name_, name.name_space, name.name, location});
  return insert.Run() == SqliteStatement::RunOutcome::kDone;
}

bool SqlTables::MoveTable(Move& move) {
  if (move.from.empty()) {
    if (!InsertTable(move.name, move.to)) return false;
  } else {
    SqliteStatement update(
        file_,
        std::string("UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?") + kWhereTable +
            " AND metadata_location = ?" + table_rows_only_,
        {move.to, move.from, catalog_name_, move.name.name_space, move.name.name, move.from});
    update.Run();
    if (file_.changed_rows() != 1) return false;
  }
  if (!move.kept.empty()) move.row = {.id = kept_.Insert(move.to, move.kept), .location = move.to};
  for (const auto& row : move.forgotten) kept_.Remove(row);
  return true;
}

SqlTables::Outcome SqlTables::Insert(const TableName& name, const std::string& location) {
  std::vector<Move> made{{.name = name, .from = {}, .to = location}};
  return Swap(made);
}

/// One call of Swap; it lives on its caller's stack.
struct SqlTables::Turn {
  std::vector<Move>& moves;
  Outcome outcome = Outcome::kRefused;
  std::exception_ptr failure = nullptr;
  bool done = false;
  bool leads = false;
  /// Of one each, so that nobody wakes in vain.
  std::condition_variable woken = {};
};

bool SqlTables::SwapOne(std::vector<Move>& moves) {
  // A row that is not as expected has changed nothing.
  if (moves.size() == 1 && !moves.front().from.empty()) return MoveTable(moves.front());
  file_.Execute("SAVEPOINT one");
  const bool swapped = std::ranges::all_of(moves, [&](Move& move) { return MoveTable(move); });
  if (!swapped) file_.Execute("ROLLBACK TO one");
  file_.Execute("RELEASE one");
  return swapped;
}

void SqlTables::LogCommits() {
  const std::lock_guard lock(mutex_);
  if (!logs_commits_) logs_commits_ = file_.LogCommits();
}

void SqlTables::SwapTogether(const std::vector<Turn*>& turns) {
  try {
    // Who keeps files commits often: a catalogue that nobody is served stays a single file.
    const auto keeps = [](const Move& move) { return !move.kept.empty(); };
    if (std::ranges::any_of(turns, [&](Turn* turn) { return std::ranges::any_of(turn->moves, keeps); })) LogCommits();
    const auto written = Write([&] {
      bool any = false;
      for (Turn* turn : turns) {
        const bool swapped = SwapOne(turn->moves);
        turn->outcome = swapped ? Outcome::kDone : Outcome::kRefused;
        any = any || swapped;
      }
      return any;
    });
    if (written == Outcome::kDone || written == Outcome::kRefused) return;
    for (Turn* turn : turns) turn->outcome = written;
  } catch (...) {
    for (Turn* turn : turns) turn->failure = std::current_exception();
  }
}

SqlTables::Outcome SqlTables::Swap(std::vector<Move>& moves) {
  Turn turn{.moves = moves};
  std::unique_lock lock(turns_mutex_);
  turns_.push_back(&turn);
  turn.leads = !std::exchange(swapping_, true);
  turn.woken.wait(lock, [&] { return turn.done || turn.leads; });
  if (turn.leads) {
    const auto together = std::exchange(turns_, {});
    lock.unlock();
    SwapTogether(together);
    lock.lock();
    for (Turn* each : together) {
      each->done = true;
      if (each != &turn) each->woken.notify_one();
    }
    swapping_ = !turns_.empty();
    if (swapping_) {
      turns_.front()->leads = true;
      turns_.front()->woken.notify_one();
    }
  }
  if (turn.failure) std::rethrow_exception(turn.failure);
  return turn.outcome;
}

SqlTables::Outcome SqlTables::Rename(const TableName& from, const TableName& to) {
  return Write([&] {
    if (!HasNamespace(to.name_space)) InsertNamespace(to.name_space);
    SqliteStatement update(
        file_,
        std::string("UPDATE iceberg_tables SET table_namespace = ?, table_name = ?") + kWhereTable + table_rows_only_,
        {to.name_space, to.name, catalog_name_, from.name_space, from.name});
    return update.Run() == SqliteStatement::RunOutcome::kDone && file_.changed_rows() == 1;
  });
}

SqlTables::Outcome SqlTables::Delete(const TableName& name) {
  return Write([&] {
    SqliteStatement remove(file_, std::string("DELETE FROM iceberg_tables") + kWhereTable + table_rows_only_,
                           {catalog_name_, name.name_space, name.name});
    remove.Run();
    return file_.changed_rows() == 1;
  });
}

bool SqlTables::HasNamespace(const std::string& name_space) {
  SqliteStatement query(file_,
                        "SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ? LIMIT 1",
                        {catalog_name_, name_space});
  return query.Step();
}

void SqlTables::InsertNamespace(const std::string& name_space) { InsertProperty(name_space, kExists, "true"); }

void SqlTables::InsertProperty(const std::string& name_space, const std::string& key, const std::string& value) {
  SqliteStatement insert(file_,
                         "INSERT OR REPLACE INTO iceberg_namespace_properties (catalog_name, namespace, property_key, "
                         "property_value) VALUES (?, ?, ?, ?)",
                         {catalog_name_, name_space, key, value});
  insert.Run();
}

bool SqlTables::HoldsTables(const std::string& name_space) {
  SqliteStatement query(file_, "SELECT 1 FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? LIMIT 1",
                        {catalog_name_, name_space});
  return query.Step();
}

bool SqlTables::HasBelow(const std::string& name_space) {
  // What lies between "a." and "a/" is below a: '/' is the character after '.'.
  const std::string first = name_space + ".";
  const std::string last = name_space + "/";
  SqliteStatement query(file_,
                        "SELECT 1 FROM iceberg_tables WHERE catalog_name = ? AND table_namespace > ? AND "
                        "table_namespace < ? UNION SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = ? "
                        "AND namespace > ? AND namespace < ? LIMIT 1",
                        {catalog_name_, first, last, catalog_name_, first, last});
  return query.Step();
}

SqlTables::Outcome SqlTables::CreateNamespace(const std::string& name_space,
                                              const std::map<std::string, std::string>& properties) {
  return Write([&] {
    if (HasNamespace(name_space) || HoldsTables(name_space)) return false;
    InsertNamespace(name_space);
    for (const auto& [key, value] : properties) InsertProperty(name_space, key, value);
    return true;
  });
}

SqlTables::Outcome SqlTables::DropNamespace(const std::string& name_space) {
  return Write([&] {
    if (HoldsTables(name_space) || HasBelow(name_space)) return false;
    SqliteStatement remove(file_, "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ?",
                           {catalog_name_, name_space});
    remove.Run();
    return file_.changed_rows() > 0;
  });
}

std::optional<std::map<std::string, std::string>> SqlTables::NamespaceProperties(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> properties;
  SqliteStatement query(
      file_,
      "SELECT property_key, property_value FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ?",
      {catalog_name_, name_space});
  while (query.Step()) properties.emplace(query.Text(0), query.Text(1));
  if (properties.empty() && !HoldsTables(name_space) && !HasBelow(name_space)) return std::nullopt;
  properties.erase(kExists);
  return properties;
}

SqlTables::Outcome SqlTables::SetNamespaceProperties(const std::string& name_space,
                                                     const std::map<std::string, std::string>& updates,
                                                     const std::vector<std::string>& removals) {
  return Write([&] {
    InsertNamespace(name_space);
    for (const auto& [key, value] : updates) InsertProperty(name_space, key, value);
    for (const auto& key : removals) {
      SqliteStatement remove(file_,
                             "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? AND namespace = ? AND "
                             "property_key = ?",
                             {catalog_name_, name_space, key});
      remove.Run();
    }
    return true;
  });
}

SqlTables::Outcome SqlTables::EnsureNamespace(const std::string& name_space) {
  {
    const std::lock_guard lock(mutex_);
    if (HasNamespace(name_space)) return Outcome::kDone;
  }
  return Write([&] {
    if (!HasNamespace(name_space)) InsertNamespace(name_space);
    return true;
  });
}

std::vector<std::string> SqlTables::ListNamespaces() {
  const std::lock_guard lock(mutex_);
  SqliteStatement query(file_,
                        "SELECT table_namespace FROM iceberg_tables WHERE catalog_name = ? UNION "
                        "SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ? ORDER BY 1",
                        {catalog_name_, catalog_name_});
  std::vector<std::string> names;
  while (query.Step()) names.push_back(query.Text(0));
  return names;
}

std::vector<TableName> SqlTables::ListTables(const std::string& name_space) {
  const std::lock_guard lock(mutex_);
  SqliteStatement query(file_,
                        "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?" +
                            table_rows_only_ + " ORDER BY table_name",
                        {catalog_name_, name_space});
  std::vector<TableName> names;
  while (query.Step()) names.push_back({.name_space = name_space, .name = query.Text(0)});
  return names;
}

std::vector<MetadataRow> SqlTables::KeptFiles() {
  const std::lock_guard lock(mutex_);
  return kept_.All();
}

std::string SqlTables::KeptFile(const MetadataRow& row) {
  const std::lock_guard lock(mutex_);
  return UnpackMetadata(kept_.Bytes(row), row.location);
}

SqlTables::Outcome SqlTables::Forget(const std::vector<MetadataRow>& rows) {
  return Write([&] {
    for (const auto& row : rows) kept_.Remove(row);
    return true;
  });
}

std::string SqlTables::message() {
  const std::lock_guard lock(mutex_);
  return file_.message();
}

}  // namespace millrace::catalog
