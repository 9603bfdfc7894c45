#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/error.h"
#include "schema/primitive_name.h"
#include "schema/schema.h"

namespace millrace::schema {
namespace {

constexpr int kDepthMax = 64;

/// SQL's spellings of types that Iceberg names otherwise.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kSynonyms = {{
    {"bool", "boolean"},
    {"integer", "int"},
    {"int32", "int"},
    {"smallint", "int"},
    {"bigint", "long"},
    {"int64", "long"},
    {"real", "float"},
    {"float32", "float"},
    {"float64", "double"},
    {"double precision", "double"},
    {"varchar", "string"},
    {"text", "string"},
    {"blob", "binary"},
    {"varbinary", "binary"},
    {"bytes", "binary"},
    {"datetime", "timestamp"},
    {"timestamp with time zone", "timestamptz"},
}};

/// Recursive descent over what a person wrote.
class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  Type ParseAll() {
    Type type = ParseOne(0);
    SkipSpace();
    if (at_ != text_.size()) Fail(fmt::format("'{}' is left over", text_.substr(at_)));
    return type;
  }

 private:
  Type ParseOne(int depth) {
    if (depth > kDepthMax) Fail(fmt::format("it nests deeper than {} levels", kDepthMax));
    std::string word = Word();
    SkipSpace();
    const bool nested = word == "list" || word == "array" || word == "struct" || word == "map";
    if (!nested) return ParsePrimitiveFrom(std::move(word));
    Expect('<', word);
    if (word == "struct") return ParseStruct(depth);
    if (word == "map") return ParseMap(depth);
    Type element = ParseOne(depth + 1);
    Expect('>', "list<...");
    return ListType{MakePart("element", std::move(element), false)};
  }

  Type ParsePrimitiveFrom(std::string word) {
    const char close = Peek() == '(' ? ')' : Peek() == '[' ? ']' : '\0';
    if (close != '\0') {
      const size_t end = text_.find(close, at_);
      if (end == std::string_view::npos) Fail(fmt::format("'{}' is missing", close));
      word += text_.substr(at_, end + 1 - at_);
      at_ = end + 1;
    }
    if (word.starts_with("numeric")) word = "decimal" + word.substr(7);
    if (word.starts_with("fixed(")) word = "fixed[" + word.substr(6, word.size() - 7) + "]";
    const auto synonym =
        std::find_if(kSynonyms.begin(), kSynonyms.end(), [&](const auto& pair) { return pair.first == word; });
    if (synonym != kSynonyms.end()) word = synonym->second;
    const auto primitive = ParsePrimitive(word);
    if (!primitive) Fail(word.empty() ? "a type is missing" : fmt::format("'{}' is no type", word));
    return *primitive;
  }

  Type ParseStruct(int depth) {
    StructType structure;
    do {
      Field field{.name = Name()};
      Expect(':', "the name " + field.name);
      field.type = ParseOne(depth + 1);
      for (const Field& other : structure.fields) {
        if (other.name == field.name) Fail(fmt::format("the name '{}' comes twice", field.name));
      }
      structure.fields.push_back(std::move(field));
    } while (Take(','));
    Expect('>', "struct<...");
    return structure;
  }

  Type ParseMap(int depth) {
    Type key = ParseOne(depth + 1);
    Expect(',', "the key of the map");
    Type value = ParseOne(depth + 1);
    Expect('>', "map<...");
    return MapType{MakePart("key", std::move(key), true), MakePart("value", std::move(value), false)};
  }

  static std::shared_ptr<const Field> MakePart(const char* name, Type type, bool required) {
    return std::make_shared<const Field>(Field{.name = name, .type = std::move(type), .required = required});
  }

  /// Letters, digits and single spaces between words, in lower case: "timestamp with time zone".
  std::string Word() {
    SkipSpace();
    std::string word;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == ' ')) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_++])));
    }
    while (!word.empty() && word.back() == ' ') word.pop_back();
    return word;
  }

  /// A column name: anything up to the colon, or quoted with " or `.
  std::string Name() {
    SkipSpace();
    const char quote = Peek();
    if (quote == '"' || quote == '`') {
      const size_t end = text_.find(quote, at_ + 1);
      if (end == std::string_view::npos) Fail("a quoted name does not end");
      std::string name(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      return name;
    }
    const size_t start = at_;
    while (at_ < text_.size() && std::string_view(":<>,").find(text_[at_]) == std::string_view::npos) ++at_;
    std::string name(text_.substr(start, at_ - start));
    while (!name.empty() && name.back() == ' ') name.pop_back();
    if (name.empty()) Fail("a name is missing in struct<...>");
    return name;
  }

  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char wanted) {
    SkipSpace();
    if (Peek() != wanted) return false;
    ++at_;
    return true;
  }
  void Expect(char wanted, std::string_view after) {
    if (!Take(wanted)) Fail(fmt::format("'{}' is missing after {}", wanted, after));
  }
  [[noreturn]] void Fail(const std::string& why) const {
    throw Error(
        ErrorCode::kConfig,
        fmt::format(
            "the type '{}' cannot be read: {}; allowed are boolean, int, long, float, double, decimal(p, s), date, "
            "time, timestamp, timestamptz, string, uuid, binary, fixed[n], list<type>, map<type, type>, "
            "struct<name: type, ...>",
            text_, why));
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Type ParseType(std::string_view text) { return TypeParser(text).ParseAll(); }

}  // namespace millrace::schema
