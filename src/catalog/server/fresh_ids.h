#pragma once

#include <nlohmann/json_fwd.hpp>

namespace millrace::catalog {

/// Gives the columns of a request that creates a table ids from 1 on, level by level, as Java's catalogues do: clients
/// number them as they like, from 0 too. `request` is a CreateTableRequest (Iceberg REST spec); its partition spec and
/// sort order follow. Error kData when it is malformed, or nests deeper than 100 levels.
void GiveFreshIds(nlohmann::json& request);

}  // namespace millrace::catalog
