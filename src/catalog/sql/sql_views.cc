#include "catalog/sql/sql_views.h"

namespace millrace::catalog {
namespace {

constexpr const char* kWhereView =
    " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND iceberg_type = 'VIEW'";

bool HasType(SqliteFile& file) {
  SqliteStatement query(file, "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'", {});
  return query.Step();
}

}  // namespace

SqlViews::SqlViews(const SqlCatalogOptions& options)
    : catalog_name_(options.name), file_(options.file, options.lock_wait), has_type_(HasType(file_)) {}

template <typename Body>
SqlViews::Outcome SqlViews::Write(Body body) {
  const std::lock_guard lock(mutex_);
  return WriteInTransaction(file_, body);
}

std::string SqlViews::message() {
  const std::lock_guard lock(mutex_);
  return file_.message();
}

std::optional<std::string> SqlViews::FindLocation(const TableName& name) {
  if (!has_type_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  SqliteStatement query(file_, std::string("SELECT metadata_location FROM iceberg_tables") + kWhereView,
                        {catalog_name_, name.name_space, name.name});
  if (!query.Step() || query.IsNull(0)) return std::nullopt;
  return query.Text(0);
}

std::vector<std::string> SqlViews::List(const std::string& name_space) {
  std::vector<std::string> names;
  if (!has_type_) return names;
  const std::lock_guard lock(mutex_);
  SqliteStatement query(file_,
                        "SELECT table_name FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND "
                        "iceberg_type = 'VIEW' ORDER BY table_name",
                        {catalog_name_, name_space});
  while (query.Step()) names.push_back(query.Text(0));
  return names;
}

SqlViews::Outcome SqlViews::Insert(const TableName& name, const std::string& location) {
  return Write([&] {
    SqliteStatement insert(file_,
                           "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, "
                           "iceberg_type) VALUES (?, ?, ?, ?, 'VIEW')",
                           {catalog_name_, name.name_space, name.name, location});
    return insert.Run() == SqliteStatement::RunOutcome::kDone;
  });
}

SqlViews::Outcome SqlViews::Swap(const TableName& name, const std::string& from, const std::string& to) {
  return Write([&] {
    SqliteStatement update(
        file_,
        std::string("UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ?") + kWhereView +
            " AND metadata_location = ?",
        {to, from, catalog_name_, name.name_space, name.name, from});
    update.Run();
    return file_.changed_rows() == 1;
  });
}

SqlViews::Outcome SqlViews::Rename(const TableName& from, const TableName& to) {
  return Write([&] {
    SqliteStatement update(file_,
                           std::string("UPDATE iceberg_tables SET table_namespace = ?, table_name = ?") + kWhereView,
                           {to.name_space, to.name, catalog_name_, from.name_space, from.name});
    return update.Run() == SqliteStatement::RunOutcome::kDone && file_.changed_rows() == 1;
  });
}

SqlViews::Outcome SqlViews::Delete(const TableName& name) {
  return Write([&] {
    SqliteStatement remove(file_, std::string("DELETE FROM iceberg_tables") + kWhereView,
                           {catalog_name_, name.name_space, name.name});
    remove.Run();
    return file_.changed_rows() == 1;
  });
}

}  // namespace millrace::catalog
