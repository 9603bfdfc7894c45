#include "schema/avro/avro_compatibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "schema/pair_findings.h"

namespace millrace::schema {
namespace {

using Kind = AvroType::Kind;

bool Promotes(Kind writer, Kind reader) {
  switch (reader) {
    case Kind::kLong:
      return writer == Kind::kInt;
    case Kind::kFloat:
      return writer == Kind::kInt || writer == Kind::kLong;
    case Kind::kDouble:
      return writer == Kind::kInt || writer == Kind::kLong || writer == Kind::kFloat;
    case Kind::kBytes:
      return writer == Kind::kString;
    case Kind::kString:
      return writer == Kind::kBytes;
    default:
      return false;
  }
}

/// As the Java library has it: names count without their namespace, aliases with it.
bool SameName(const AvroType& reader, const AvroType& writer) {
  return ShortName(reader.name) == ShortName(writer.name) ||
         std::ranges::find(reader.aliases, writer.name) != reader.aliases.end();
}

using FieldsByName = std::map<std::string_view, const AvroField*>;

const AvroField* Written(const AvroField& wanted, const FieldsByName& fields) {
  if (const auto same = fields.find(wanted.name); same != fields.end()) return same->second;
  for (const auto& alias : wanted.aliases) {
    if (const auto before = fields.find(alias); before != fields.end()) return before->second;
  }
  return nullptr;
}

class Comparison {
 public:
  bool Reads(const AvroType& reader, const AvroType& writer, const std::string& path) {
    return findings_.Compare(reader, writer, path, [&] { return ReadsAnew(reader, writer, path); });
  }
  std::vector<std::string> Take() && { return std::move(findings_).Take(); }

 private:
  bool ReadsAnew(const AvroType& reader, const AvroType& writer, const std::string& path) {
    if (writer.kind == Kind::kUnion) {
      bool all = true;
      for (size_t i = 0; i < writer.branches.size(); ++i) {
        all &= Reads(reader, *writer.branches[i], fmt::format("{}/{}", path, i));
      }
      return all;
    }
    if (reader.kind == Kind::kUnion) return AnyBranchReads(reader, writer, path);
    if (reader.kind != writer.kind) {
      return Promotes(writer.kind, reader.kind) ||
             Wrong("TYPE_MISMATCH", path,
                   fmt::format("a reader of {} cannot read {}", ToString(reader.kind), ToString(writer.kind)));
    }
    if (reader.named() && !SameName(reader, writer)) {
      return Wrong("NAME_MISMATCH", path, fmt::format("expected the name {}, found {}", writer.name, reader.name));
    }
    switch (reader.kind) {
      case Kind::kFixed:
        return reader.size == writer.size ||
               Wrong("FIXED_SIZE_MISMATCH", path, fmt::format("{} bytes became {}", writer.size, reader.size));
      case Kind::kEnum:
        return ReadsEnum(reader, writer, path);
      case Kind::kArray:
        return Reads(*reader.items, *writer.items, path + "/items");
      case Kind::kMap:
        return Reads(*reader.items, *writer.items, path + "/values");
      case Kind::kRecord:
        return ReadsRecord(reader, writer, path);
      default:
        return true;
    }
  }

  bool AnyBranchReads(const AvroType& reader, const AvroType& writer, const std::string& path) {
    const auto alike = [&](const AvroType* branch) {
      return branch->kind == writer.kind && branch->name == writer.name;
    };
    const auto reads = [&](const AvroType* branch) { return !findings_.exhausted() && Reads(*branch, writer, path); };
    // The one that is called so first: most often it reads it, and no other is asked.
    const auto same = std::ranges::find_if(reader.branches, alike);
    const bool any = findings_.Quietly(
        [&] { return (same != reader.branches.end() && reads(*same)) || std::ranges::any_of(reader.branches, reads); });
    if (any) return true;
    return Wrong("MISSING_UNION_BRANCH", path,
                 fmt::format("the reader's union lacks a branch for {}",
                             writer.named() ? writer.name : std::string(ToString(writer.kind))));
  }

  bool ReadsEnum(const AvroType& reader, const AvroType& writer, const std::string& path) {
    if (reader.fallback_symbol) return true;
    constexpr size_t kShownMax = 500;
    const std::set<std::string_view> known(reader.symbols.begin(), reader.symbols.end());
    std::string missing;
    for (const auto& symbol : writer.symbols) {
      if (known.contains(symbol) || missing.size() > kShownMax) continue;
      missing += ' ';
      missing += symbol;
    }
    return missing.empty() || Wrong("MISSING_ENUM_SYMBOLS", path + "/symbols", "the reader's enum lacks" + missing);
  }

  bool ReadsRecord(const AvroType& reader, const AvroType& writer, const std::string& path) {
    FieldsByName fields;
    for (const auto& field : writer.fields) fields.emplace(field.name, &field);
    bool all = true;
    for (size_t i = 0; i < reader.fields.size(); ++i) {
      const auto& wanted = reader.fields[i];
      const auto place = fmt::format("{}/fields/{}", path, i);
      if (const auto* written = Written(wanted, fields)) {
        all &= Reads(*wanted.type, *written->type, fmt::format("{}/type", place));
      } else if (!wanted.fallback && !(wanted.type->kind == Kind::kEnum && wanted.type->fallback_symbol)) {
        all &= Wrong("READER_FIELD_MISSING_DEFAULT_VALUE", place,
                     fmt::format("the field '{}' has no default and the writer lacks it", wanted.name));
      }
    }
    return all;
  }

  bool Wrong(const char* what, const std::string& path, const std::string& why) {
    return findings_.Wrong(what, path, why);
  }

  PairFindings<AvroType> findings_;
};

}  // namespace

std::vector<std::string> WhyAvroUnreadable(const AvroType& reader, const AvroType& writer) {
  Comparison comparison;
  comparison.Reads(reader, writer, "");
  return std::move(comparison).Take();
}

}  // namespace millrace::schema
