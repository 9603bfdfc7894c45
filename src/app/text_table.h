#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace millrace::app {

/// A listing: printed as aligned columns for people, or as a JSON array of objects. Numbers are set to the right.
class Listing {
 public:
  enum class Form { kPlain, kBytes };  // how a number is shown to people
  struct Column {
    std::string name;  // JSON member; people see it in capitals with spaces
    Form form = Form::kPlain;
  };

  explicit Listing(std::vector<Column> columns);
  ~Listing();
  /// One value a column.
  void Add(std::vector<nlohmann::json> row);
  bool empty() const { return rows_.empty(); }

  std::string AsTable() const;
  std::string AsJson() const;
  /// On stdout. `none` goes to stderr when there are no rows to show people.
  void Print(bool json, const std::string& none) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<nlohmann::json>> rows_;
};

/// Texts and numbers of an object, a line each, as `describe` shows them to people; empty texts and what is nested are
/// left out.
void PrintFacts(const nlohmann::ordered_json& facts);

/// How many columns `text` takes on a terminal, by code points.
size_t DisplayWidth(const std::string& text);

}  // namespace millrace::app
