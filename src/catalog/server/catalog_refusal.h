#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "catalog/catalog.h"
#include "io/http_call.h"

namespace millrace::catalog {

/// An answer that is no success, with the word by which Iceberg's clients know its kind (REST spec, ErrorModel).
class CatalogRefusal : public Error {
 public:
  CatalogRefusal(int status, std::string type, std::string message);
  int status() const { return status_; }
  const std::string& type() const { return type_; }

  static CatalogRefusal NoNamespace(const std::string& name_space);
  static CatalogRefusal NoTable(const TableName& name);
  static CatalogRefusal Exists(const std::string& what);
  static CatalogRefusal CommitFailed(const std::string& why);
  /// It may have been committed: clients keep every file.
  static CatalogRefusal StateUnknown(const std::string& why);

 private:
  int status_;
  std::string type_;
};

/// Runs a handler; what it throws becomes an answer: a CatalogRefusal as it says, an HttpRefusal under its status,
/// other errors by their code.
io::HttpReply AnswerOf(const std::function<io::HttpReply()>& handler);

}  // namespace millrace::catalog
