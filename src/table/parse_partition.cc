#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.h"
#include "table/partition.h"
#include "table/transform.h"

namespace millrace::table {
namespace {

using schema::PrimitiveType;
using Kind = Transform::Kind;

constexpr int32_t kFirstPartitionFieldId = 1000;

struct Expression {
  const schema::Field* source = nullptr;
  std::string column;  // its path
  Transform transform;
  std::string rest;  // what follows, in lower case: "desc nulls last"
};

[[noreturn]] void Fail(const std::string& text, const std::string& why) {
  throw Error(ErrorCode::kConfig, fmt::format("'{}': {}", text, why));
}

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Transform TransformNamed(const std::string& text, const std::string& name, const std::string& parameter) {
  const auto plural = [&](std::string_view singular) {
    return name == singular || name == std::string(singular) + "s";
  };
  if (name == "bucket" || name == "truncate" || name == "trunc") {
    int32_t number = 0;
    const auto [end, error] = std::from_chars(parameter.data(), parameter.data() + parameter.size(), number);
    if (error != std::errc() || end != parameter.data() + parameter.size() || number < 1) {
      Fail(text, fmt::format("{} wants a positive number first, as in {}(16, id)", name, name));
    }
    return {.kind = name == "bucket" ? Kind::kBucket : Kind::kTruncate, .parameter = number};
  }
  if (!parameter.empty()) Fail(text, name + " takes a column and nothing else");
  if (name == "identity") return {.kind = Kind::kIdentity};
  if (name == "void") return {.kind = Kind::kVoid};
  if (plural("year")) return {.kind = Kind::kYear};
  if (plural("month")) return {.kind = Kind::kMonth};
  if (plural("day")) return {.kind = Kind::kDay};
  if (plural("hour")) return {.kind = Kind::kHour};
  Fail(text,
       fmt::format(
           "there is no transform '{}'; allowed are identity(x), year(x), month(x), day(x), hour(x), bucket(n, x), "
           "truncate(width, x), void(x)",
           name));
}

/// Cuts "bucket(16, id) desc" into its parts, without looking at the schema.
Expression Split(const std::string& text) {
  Expression parts;
  const std::string trimmed = Trimmed(text);
  const size_t open = trimmed.find('(');
  if (open == std::string::npos) {
    const size_t space = trimmed.find_first_of(" \t");
    parts.column = trimmed.substr(0, space);
    if (space != std::string::npos) parts.rest = Lower(Trimmed(trimmed.substr(space)));
    return parts;
  }
  const size_t close = trimmed.rfind(')');
  if (close == std::string::npos || close < open) Fail(text, "')' is missing");
  const std::string arguments = trimmed.substr(open + 1, close - open - 1);
  const size_t comma = arguments.find(',');
  const std::string first = comma == std::string::npos ? "" : Trimmed(arguments.substr(0, comma));
  parts.column = Trimmed(comma == std::string::npos ? arguments : arguments.substr(comma + 1));
  parts.rest = Lower(Trimmed(trimmed.substr(close + 1)));
  const std::string name = Lower(Trimmed(trimmed.substr(0, open)));
  if (const bool column_first = first.find_first_not_of("0123456789") != std::string::npos; column_first) {
    Fail(text, fmt::format("the number comes first, as in {}({}, {})", name, parts.column, first));
  }
  parts.transform = TransformNamed(text, name, first);
  return parts;
}

std::string ColumnsOf(const schema::Schema& schema) {
  std::string names;
  for (size_t i = 0; i < schema.fields.size() && i < 20; ++i) names += (i == 0 ? "" : ", ") + schema.fields[i].name;
  return schema.fields.size() > 20 ? names + ", ..." : names;
}

bool InsideStructsOnly(const std::vector<schema::Field>& fields, schema::FieldId id) {
  return std::any_of(fields.begin(), fields.end(), [&](const schema::Field& field) {
    const auto* structure = std::get_if<schema::StructType>(&field.type);
    return field.id == id || (structure != nullptr && InsideStructsOnly(structure->fields, id));
  });
}

std::string WantedBy(const Transform& transform) {
  switch (transform.kind) {
    case Kind::kBucket:
      return "int, long, decimal, date, time, timestamp, timestamptz, string, uuid, fixed or binary";
    case Kind::kTruncate:
      return "int, long, decimal, string or binary";
    case Kind::kHour:
      return "timestamp or timestamptz";
    default:
      return "date, timestamp or timestamptz";
  }
}

Expression Parse(const std::string& text, const schema::Schema& schema) {
  Expression parts = Split(text);
  parts.source = schema.Find(parts.column);
  if (parts.source == nullptr) {
    Fail(text, fmt::format("there is no column '{}'; there are {}", parts.column, ColumnsOf(schema)));
  }
  const auto* type = std::get_if<PrimitiveType>(&parts.source->type);
  if (type == nullptr || !InsideStructsOnly(schema.fields, parts.source->id)) {
    Fail(text, fmt::format("column {} is {}; only plain values outside lists and maps can be used", parts.column,
                           type == nullptr ? ToString(parts.source->type) : "inside a list or map"));
  }
  if (!CanTransform(parts.transform, *type)) {
    Fail(text, fmt::format("column {} is {}, but {} wants {}", parts.column, ToString(parts.source->type),
                           ToString(parts.transform), WantedBy(parts.transform)));
  }
  return parts;
}

std::string_view SuffixOf(Kind kind) {
  switch (kind) {
    case Kind::kIdentity:
    case Kind::kUnknown:
      return "";
    case Kind::kBucket:
      return "_bucket";
    case Kind::kTruncate:
      return "_trunc";
    case Kind::kYear:
      return "_year";
    case Kind::kMonth:
      return "_month";
    case Kind::kDay:
      return "_day";
    case Kind::kHour:
      return "_hour";
    case Kind::kVoid:
      return "_null";
  }
  return "";
}

void CheckNameIsFree(const std::string& text, const PartitionSpec& spec, const PartitionField& field,
                     const schema::Schema& schema) {
  for (const PartitionField& other : spec.fields) {
    if (other.name == field.name) Fail(text, fmt::format("the partition field {} is there already", field.name));
  }
  const schema::Field* column = schema.Find(field.name);
  const bool is_source = field.transform.kind == Kind::kIdentity && column != nullptr && column->id == field.source_id;
  if (column != nullptr && !is_source) {
    Fail(text, fmt::format("the partition field would be named {}, but a column has that name; rename the column",
                           field.name));
  }
}

bool IsUnreserved(unsigned char byte) {
  return std::isalnum(byte) != 0 || byte == '.' || byte == '-' || byte == '*' || byte == '_';
}

std::string UrlEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsUnreserved(byte)) {
      encoded += c;
    } else if (c == ' ') {
      encoded += '+';
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace

PartitionSpec ParsePartitionSpec(const std::vector<std::string>& expressions, const schema::Schema& schema) {
  PartitionSpec spec;
  for (const std::string& text : expressions) {
    const Expression parts = Parse(text, schema);
    if (!parts.rest.empty()) Fail(text, fmt::format("'{}' is left over", parts.rest));
    PartitionField field{.source_id = parts.source->id,
                         .field_id = kFirstPartitionFieldId + static_cast<int32_t>(spec.fields.size()),
                         .name = parts.column + std::string(SuffixOf(parts.transform.kind)),
                         .transform = parts.transform};
    CheckNameIsFree(text, spec, field, schema);
    spec.fields.push_back(std::move(field));
  }
  return spec;
}

SortOrder ParseSortOrder(const std::vector<std::string>& expressions, const schema::Schema& schema) {
  SortOrder order{.order_id = expressions.empty() ? 0 : 1, .fields = {}};
  for (const std::string& text : expressions) {
    Expression parts = Parse(text, schema);
    SortField field{.source_id = parts.source->id, .transform = parts.transform};
    std::string& rest = parts.rest;
    if (rest.starts_with("desc")) field.ascending = false;
    if (rest.starts_with("asc") || rest.starts_with("desc"))
      rest = Trimmed(rest.substr(rest.starts_with("asc") ? 3 : 4));
    field.nulls_first = rest.empty() ? field.ascending : rest == "nulls first";
    if (!rest.empty() && rest != "nulls first" && rest != "nulls last") {
      Fail(text, fmt::format("'{}' is left over; allowed are asc, desc, nulls first, nulls last", rest));
    }
    order.fields.push_back(std::move(field));
  }
  return order;
}

std::string PartitionPath(const PartitionSpec& spec, const schema::Schema& schema, const PartitionTuple& tuple) {
  std::string path;
  for (size_t i = 0; i < spec.fields.size() && i < tuple.size(); ++i) {
    const PartitionField& field = spec.fields[i];
    const schema::Field* source = schema.Find(field.source_id);
    const auto* type = source == nullptr ? nullptr : std::get_if<PrimitiveType>(&source->type);
    if (type == nullptr) continue;
    if (!path.empty()) path += '/';
    path += UrlEncoded(field.name) + "=" + UrlEncoded(ToString(field.transform, *type, tuple[i]));
  }
  return path;
}

}  // namespace millrace::table
