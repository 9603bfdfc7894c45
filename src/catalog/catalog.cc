#include "catalog/catalog.h"

#include "base/error.h"

namespace millrace::catalog {

std::string ToString(const TableName& name) { return name.name_space + "." + name.name; }

TableName ParseTableName(std::string_view text) {
  const size_t dot = text.rfind('.');
  const bool parts_are_there = dot != std::string_view::npos && dot > 0 && dot + 1 < text.size();
  if (!parts_are_there || text.front() == '.' || text.find("..") != std::string_view::npos ||
      text.find('/') != std::string_view::npos) {
    throw Error(ErrorCode::kUsage,
                "'" + std::string(text) + "' is no table name; write namespace.name, as in silver.users");
  }
  return {.name_space = std::string(text.substr(0, dot)), .name = std::string(text.substr(dot + 1))};
}

}  // namespace millrace::catalog
