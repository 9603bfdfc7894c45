#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The declarations of the options of who may come in.
const config::Block<ServerTlsConfig>& ServerTlsBlock();
const config::Block<ServerTokenConfig>& ServerTokenBlock();
const config::Block<OidcConfig>& OidcBlock();
const config::Block<DoorLimitsConfig>& DoorLimitsBlock();
const config::Block<AuditConfig>& AuditBlock();

/// What they must satisfy together.
void CheckServer(const ServerConfig& server, const std::string& path, config::ParseContext& context);

/// "operate".
std::vector<std::string> RoleNames(const std::vector<RoleWord>& roles);

}  // namespace millrace::app
