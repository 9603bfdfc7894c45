#pragma once

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "io/http_routes.h"

/// What the routes of the catalogue have in common.
namespace millrace::catalog {

class SqlCatalog;

enum class Access { kLook, kChange };

/// A route whose errors are answered in the catalogue's form. One that looks answers HEAD with 204.
void AddRoute(io::HttpRoutes& routes, const char* method, std::string pattern, Access access, io::HttpHandler handler);

/// Error kData when it is no JSON object.
nlohmann::json BodyOf(const io::HttpCall& call);
io::HttpReply Answer(const nlohmann::json& body);
io::HttpReply NoContent();

/// The items of a sorted list that the request asks for by pageToken and pageSize, as `member` of the answer beside
/// next-page-token. Without pageSize all of them.
nlohmann::json Page(const io::HttpCall& call, const char* member, const std::vector<std::string>& names,
                    const std::function<nlohmann::json(const std::string&)>& print);

/// Refuses as NoSuchNamespaceException.
void RequireNamespace(SqlCatalog& catalog, const std::string& name_space);

}  // namespace millrace::catalog
