#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace millrace::app {

/// What a running pipeline says of itself, for `status` in another process: a small file, replaced whole, about once a
/// second. It is a copy for people and probes; what is right does not depend on it. A run that ends by itself leaves
/// `ended` in it; one that is killed cannot.
void WriteRunStatus(const std::filesystem::path& path, const nlohmann::ordered_json& status);
/// nullopt when there is none that can be read.
std::optional<nlohmann::ordered_json> ReadRunStatus(const std::filesystem::path& path);

}  // namespace millrace::app
