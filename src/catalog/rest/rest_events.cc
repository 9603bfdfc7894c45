#include "catalog/rest/rest_events.h"

#include <string>

#include "base/log.h"

namespace millrace::catalog {

void CatalogAnswered::Emit() const {
  auto& metrics = Metrics::Process();
  const auto shown = status == 0 ? std::string("none") : std::to_string(status);
  metrics.Add(kCatalogRequests, {method, shown});
  metrics.Observe(kCatalogSeconds, {method}, seconds);
  if (status == 0 || status >= 500) LogDebug("catalogue: {}: {} after {:.3f} s", method, shown, seconds);
}

}  // namespace millrace::catalog
