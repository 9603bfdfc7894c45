#include "query/delete_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
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

/// SQL that makes of `file_path`, by which delete files name data files, the path that DuckDB knows it by.
std::string PathOfUri(const DataFiles& files) {
  if (files.uri_root().empty())
    return "CASE WHEN starts_with(file_path, 'file:') THEN regexp_replace(file_path, '^file:/+', '/') ELSE file_path "
           "END";
  // Other engines write s3a: or s3n: for s3:.
  return fmt::format("concat({}, substr(regexp_replace(file_path, '^s3[an]:', 's3:'), {}))", QuoteText(files.folder()),
                     LengthInCharacters(files.uri_root()) + 1);
}

void Append(std::string& list, const char* between, const std::string& item) {
  list += fmt::format("{}{}", list.empty() ? "" : between, item);
}

/// Names from the top down to a field; empty when there is none, or it lies in a list or map.
std::vector<std::string> NamesTo(const std::vector<schema::Field>& fields, schema::FieldId id) {
  for (const auto& field : fields) {
    if (field.id == id) return {field.name};
    const auto* group = std::get_if<schema::StructType>(&field.type);
    auto below = group == nullptr ? std::vector<std::string>() : NamesTo(group->fields, id);
    if (below.empty()) continue;
    below.insert(below.begin(), field.name);
    return below;
  }
  return {};
}

bool IsTop(const schema::Schema& schema, schema::FieldId id) {
  return std::ranges::any_of(schema.fields, [&](const auto& field) { return field.id == id; });
}

}  // namespace

size_t LengthInCharacters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string PathList(const std::vector<std::string>& paths) {
  std::string list;
  for (const auto& path : paths) Append(list, ", ", PathPattern(path));
  return list;
}

DeleteSql::DeleteSql(const DataFiles& files, const ScanRequest& request, const ScanPlan& plan,
                     const std::string& vectors)
    : files_(files), request_(request), columns_(*request.schema) {
  AddPositions(plan, vectors);
  if (!plan.equality_deletes.empty()) AddValues(plan);
  if (!conditions_.empty()) clause_ += " WHERE " + conditions_;
}

void DeleteSql::AddPositions(const ScanPlan& plan, const std::string& vectors) {
  std::string places;
  std::vector<std::string> paths;
  for (const auto& file : plan.position_deletes) paths.push_back(files_.PathOf(file.file_path));
  if (!paths.empty()) {
    Append(places, " UNION ALL ",
           fmt::format("SELECT {} AS path, pos FROM read_parquet([{}], hive_partitioning=false)", PathOfUri(files_),
                       PathList(paths)));
  }
  if (!vectors.empty()) Append(places, " UNION ALL ", fmt::format("SELECT path, pos FROM {}", vectors));
  if (places.empty()) return;
  clause_ += fmt::format(" ANTI JOIN ({}) AS gone ON kept.{} = gone.path AND kept.{} = gone.pos", places,
                         QuoteName(kPathColumn), QuoteName(kRowColumn));
}

int DeleteSql::NumberOf(const table::DataFile& file) {
  return partitions_.try_emplace(table::PartitionOf(file), static_cast<int>(partitions_.size())).first->second;
}

/// Of each data file its sequence number and partition, which say whether a delete by value reaches its rows.
void DeleteSql::AddFacts(const ScanPlan& plan) {
  std::string facts;
  for (const auto& data : plan.deleted_files) {
    Append(facts, ", ",
           fmt::format("({}, {}, {})", QuoteText(files_.PathOf(data.file.file_path)), data.sequence.value(),
                       NumberOf(data.file)));
  }
  clause_ += fmt::format(" JOIN (VALUES {}) AS facts(path, sequence, partition) ON kept.{} = facts.path", facts,
                         QuoteName(kPathColumn));
}

void DeleteSql::AddValues(const ScanPlan& plan) {
  AddFacts(plan);
  std::vector<ByValue> kinds;
  for (const auto& deletes : plan.equality_deletes) {
    const auto* spec = request_.metadata->FindSpec(deletes.file.spec_id);
    const bool everywhere = spec != nullptr && spec->fields.empty();
    const auto same = [&](const ByValue& kind) {
      return kind.everywhere == everywhere && kind.ids == deletes.file.equality_ids;
    };
    auto kind = std::ranges::find_if(kinds, same);
    if (kind == kinds.end()) {
      kind = kinds.insert(kinds.end(), {.ids = deletes.file.equality_ids, .everywhere = everywhere, .files = {}});
    }
    kind->files.push_back(&deletes);
  }
  for (size_t i = 0; i < kinds.size(); ++i) Join(kinds[i], i);
}

const schema::Field& DeleteSql::FieldOf(schema::FieldId id) const {
  if (const auto* field = request_.metadata->schema().Find(id)) return *field;
  const auto& schemas = request_.metadata->schemas;
  for (auto older = schemas.rbegin(); older != schemas.rend(); ++older) {
    if (const auto* field = older->Find(id)) return *field;
  }
  throw Error(ErrorCode::kData,
              fmt::format("rows are deleted by column {}, which no schema of the table has", id.value()));
}

/// The column by which rows are compared; one that was dropped is read besides.
std::string DeleteSql::KeptColumn(schema::FieldId id) {
  const auto names = NamesTo(columns_.fields, id);
  if (names.empty()) {
    schema::Field field = FieldOf(id);
    field.name = fmt::format("__millrace_compared_{}", id.value());
    columns_.fields.push_back(field);
    return "kept." + QuoteName(field.name);
  }
  std::string column = "kept." + QuoteName(names.front());
  for (size_t i = 1; i < names.size(); ++i) column = fmt::format("struct_extract({}, {})", column, QuoteText(names[i]));
  return column;
}

void DeleteSql::Join(const ByValue& deletes, size_t number) {
  std::string map;
  std::string keys;
  std::string same;
  for (const auto id : deletes.ids) {
    const bool top =
        std::ranges::any_of(request_.metadata->schemas, [&](const auto& schema) { return IsTop(schema, id); });
    if (!top) {
      throw Error(ErrorCode::kData,
                  fmt::format("rows are deleted by a member of a struct (column {}), which queries here do not read; "
                              "`millrace maintain` rewrites the files without those rows",
                              id.value()));
    }
    const auto name = fmt::format("k{}", id.value());
    Append(map, ", ",
           fmt::format("{}: {{name: {}, type: {}, default_value: NULL}}", id.value(), QuoteText(name),
                       QuoteText(SqlType(FieldOf(id).type))));
    Append(keys, ", ", name);
    Append(same, " AND ", fmt::format("{} IS NOT DISTINCT FROM gone{}.{}", KeptColumn(id), number, name));
  }
  std::vector<std::string> paths;
  std::string facts;
  for (const auto* one : deletes.files) {
    paths.push_back(files_.PathOf(one->file.file_path));
    Append(facts, ", ",
           fmt::format("({}, {}, {})", QuoteText(paths.back()), one->sequence.value(),
                       deletes.everywhere ? 0 : NumberOf(one->file)));
  }
  clause_ += fmt::format(
      " LEFT JOIN (SELECT {0}, of.partition, max(of.sequence) AS sequence FROM read_parquet([{1}], "
      "hive_partitioning=false, filename='path_of_deletes', schema=MAP {{{2}}}) AS deletes JOIN (VALUES {3}) AS "
      "of(path, "
      "sequence, partition) ON deletes.path_of_deletes = of.path GROUP BY ALL) AS gone{4} ON {5}{6}",
      keys, PathList(paths), map, facts, number, same,
      deletes.everywhere ? "" : fmt::format(" AND gone{}.partition = facts.partition", number));
  Append(conditions_, " AND ", fmt::format("(gone{0}.sequence IS NULL OR gone{0}.sequence <= facts.sequence)", number));
}

}  // namespace millrace::query
