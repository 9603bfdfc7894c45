#include "query/scan_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "query/sql_text.h"
#include "query/warehouse.h"

namespace millrace::query {
namespace {

/// A path as DuckDB's file lists want it: they are patterns.
std::string PathPattern(const std::string& path) {
  std::string pattern;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[') {
      pattern += fmt::format("[{}]", c);
    } else {
      pattern += c;
    }
  }
  return QuoteText(pattern);
}

std::string PathList(const std::vector<std::string>& paths) {
  std::string list;
  for (const auto& path : paths) list += fmt::format("{}{}", list.empty() ? "" : ", ", PathPattern(path));
  return list;
}

std::string ColumnList(const schema::Schema& schema) {
  std::string columns;
  for (const auto& field : schema.fields)
    columns += fmt::format("{}{}", columns.empty() ? "" : ", ", QuoteName(field.name));
  return columns;
}

std::string SchemaMap(const schema::Schema& schema) {
  std::string columns;
  for (const auto& field : schema.fields) {
    columns += fmt::format("{}{}: {{name: {}, type: {}, default_value: NULL}}", columns.empty() ? "" : ", ",
                           field.id.value(), QuoteText(field.name), QuoteText(SqlType(field.type)));
  }
  return fmt::format("MAP {{{}}}", columns);
}

/// One way to read some of the files: all of them have the columns that `projection` names.
struct Group {
  std::string projection;
  std::string options;  // of read_parquet
  std::vector<std::string> paths;
};

std::string ReadPlain(const Group& group, bool with_path) {
  return fmt::format("SELECT {} FROM read_parquet([{}], hive_partitioning=false{}{})", group.projection,
                     PathList(group.paths), with_path ? fmt::format(", filename={}", QuoteText(kPathColumn)) : "",
                     group.options);
}

/// Rows at deleted positions are left out. Delete files name data files by URI.
std::string ReadWithDeletes(const Group& group, const std::vector<std::string>& deletes) {
  const auto gone = fmt::format(
      "SELECT CASE WHEN starts_with(file_path, 'file:') THEN regexp_replace(file_path, '^file:/+', '/') ELSE file_path "
      "END AS deleted_path, pos AS deleted_pos FROM read_parquet([{}], hive_partitioning=false)",
      PathList(deletes));
  return fmt::format(
      "SELECT {} FROM read_parquet([{}], hive_partitioning=false, filename={}, file_row_number=true{}) AS kept ANTI "
      "JOIN ({}) AS gone ON kept.{} = gone.deleted_path AND kept.file_row_number = gone.deleted_pos",
      group.projection, PathList(group.paths), QuoteText(kPathColumn), group.options, gone, kPathColumn);
}

/// Sorts files into groups that read alike.
class Grouping {
 public:
  Grouping(io::ObjectStore& store, const ScanRequest& request, FileLayouts& layouts)
      : store_(store),
        schema_(*request.schema),
        path_(request.with_path ? fmt::format(", {}", QuoteName(kPathColumn)) : ""),
        layouts_(layouts),
        by_name_(MembersMatchByName(schema_, request.metadata->schemas)) {
    const auto& properties = request.metadata->properties;
    const auto mapping = properties.find(schema::kNameMappingProperty);
    if (mapping != properties.end()) mapping_ = schema::ParseNameMapping(mapping->second);
  }

  std::vector<Group> Of(const std::vector<table::DataFile>& files) {
    std::map<std::string, Group> groups;
    for (const auto& file : files) {
      const auto path = LocalPath(store_, file.file_path);
      const auto layout = by_name_ && !mapping_ ? nullptr : layouts_.Get(path);
      const bool by_id = !layout || (by_name_ && layout->has_ids);
      auto& group = groups[by_id ? std::string() : layout->Signature()];
      if (group.paths.empty()) group = by_id ? ById() : ByLayout(*layout);
      group.paths.push_back(path);
    }
    std::vector<Group> list;
    for (auto& [signature, group] : groups) list.push_back(std::move(group));
    return list;
  }

 private:
  Group ById() const { return {ColumnList(schema_) + path_, ", schema=" + SchemaMap(schema_), {}}; }

  Group ByLayout(const FileLayout& layout) const {
    return {ProjectLayout(schema_, layout.has_ids || !mapping_ ? layout : WithIds(layout, *mapping_)) + path_, "", {}};
  }

  io::ObjectStore& store_;
  const schema::Schema& schema_;
  const std::string path_;
  FileLayouts& layouts_;
  const bool by_name_;
  std::optional<schema::NameMapping> mapping_;
};

std::string NoRows(const ScanRequest& request) {
  std::string columns;
  for (const auto& field : request.schema->fields) {
    columns += fmt::format("{}CAST(NULL AS {}) AS {}", columns.empty() ? "" : ", ", SqlType(field.type),
                           QuoteName(field.name));
  }
  if (request.with_path) columns += fmt::format(", CAST(NULL AS VARCHAR) AS {}", QuoteName(kPathColumn));
  return fmt::format("SELECT {} WHERE false", columns);
}

}  // namespace

std::string ScanSql(io::ObjectStore& store, const ScanRequest& request, const ScanPlan& plan, FileLayouts& layouts) {
  Grouping grouping(store, request, layouts);
  std::vector<std::string> deletes;
  for (const auto& file : plan.deletes) deletes.push_back(LocalPath(store, file.file_path));
  std::vector<std::string> parts;
  for (const auto& group : grouping.Of(plan.files)) parts.push_back(ReadPlain(group, request.with_path));
  for (const auto& group : grouping.Of(plan.deleted_files)) parts.push_back(ReadWithDeletes(group, deletes));
  return parts.empty() ? NoRows(request) : fmt::format("{}", fmt::join(parts, " UNION ALL "));
}

}  // namespace millrace::query
