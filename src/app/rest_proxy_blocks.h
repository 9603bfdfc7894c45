#pragma once

#include <string>

#include "app/config_model.h"
#include "config/block.h"
#include "source/rest_proxy/rest_proxy.h"

namespace millrace::app {

/// The declarations of the options of the REST Proxy.
const config::Block<RestProxyConfig>& RestProxyBlock();

void CheckRestProxy(const RestProxyConfig& proxy, const std::string& path, config::ParseContext& context);

/// The topics that it names one by one, without patterns.
std::vector<std::string> ProxyTopicNames(const PipelineConfig& pipeline);

/// `cluster_id`: what the stream calls itself; empty: the pipeline's name is used. The configuration outlives them.
source::RestProxyOptions RestProxyOptionsFor(const PipelineConfig& pipeline, std::string cluster_id);

}  // namespace millrace::app
