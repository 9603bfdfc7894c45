#include "query/scan_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "query/sql_text.h"

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

/// As SQL's substr counts.
size_t LengthInCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
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

/// SQL that makes of `file_path`, by which delete files name data files, the path that DuckDB knows it by.
std::string PathOfUri(const DataFiles& files) {
  if (files.uri_root().empty())
    return "CASE WHEN starts_with(file_path, 'file:') THEN regexp_replace(file_path, '^file:/+', '/') ELSE file_path "
           "END";
  // Other engines write s3a: or s3n: for s3:.
  return fmt::format("concat({}, substr(regexp_replace(file_path, '^s3[an]:', 's3:'), {}))", QuoteText(files.folder()),
                     LengthInCharacters(files.uri_root()) + 1);
}

/// Rows at deleted positions are left out.
std::string ReadWithDeletes(const DataFiles& files, const Group& group, const std::vector<std::string>& deletes) {
  const auto gone =
      fmt::format("SELECT {} AS deleted_path, pos AS deleted_pos FROM read_parquet([{}], hive_partitioning=false)",
                  PathOfUri(files), PathList(deletes));
  return fmt::format(
      "SELECT {} FROM read_parquet([{}], hive_partitioning=false, filename={}, file_row_number=true{}) AS kept ANTI "
      "JOIN ({}) AS gone ON kept.{} = gone.deleted_path AND kept.file_row_number = gone.deleted_pos",
      group.projection, PathList(group.paths), QuoteText(kPathColumn), group.options, gone, kPathColumn);
}

/// The path column among those of a projection: of copies, the URIs of what they are copies of.
std::string PathColumn(const DataFiles& files) {
  const auto name = QuoteName(kPathColumn);
  if (files.uri_root().empty()) return ", " + name;
  return fmt::format(", concat({}, substr({}, {})) AS {}", QuoteText(files.uri_root()), name,
                     LengthInCharacters(files.folder()) + 1, name);
}

/// Sorts files into groups that read alike.
class Grouping {
 public:
  Grouping(const DataFiles& data_files, const ScanRequest& request, FileLayouts& layouts)
      : data_files_(data_files),
        schema_(*request.schema),
        path_(request.with_path ? PathColumn(data_files) : ""),
        layouts_(layouts),
        by_name_(MembersMatchByName(schema_, request.metadata->schemas)) {
    const auto& properties = request.metadata->properties;
    const auto mapping = properties.find(schema::kNameMappingProperty);
    if (mapping != properties.end()) mapping_ = schema::ParseNameMapping(mapping->second);
  }

  std::vector<Group> Of(const std::vector<table::DataFile>& files) {
    std::map<std::string, Group> groups;
    for (const auto& file : files) {
      const auto path = data_files_.PathOf(file.file_path);
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

  const DataFiles& data_files_;
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

std::string ScanSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan, FileLayouts& layouts) {
  Grouping grouping(files, request, layouts);
  std::vector<std::string> deletes;
  for (const auto& file : plan.deletes) deletes.push_back(files.PathOf(file.file_path));
  std::vector<std::string> parts;
  for (const auto& group : grouping.Of(plan.files)) parts.push_back(ReadPlain(group, request.with_path));
  for (const auto& group : grouping.Of(plan.deleted_files)) parts.push_back(ReadWithDeletes(files, group, deletes));
  return parts.empty() ? NoRows(request) : fmt::format("{}", fmt::join(parts, " UNION ALL "));
}

}  // namespace millrace::query
