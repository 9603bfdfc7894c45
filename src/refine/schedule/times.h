#pragma once

#include <string>

#include "base/clock.h"
#include "refine/schedule/cron_expression.h"

namespace date {
class time_zone;
}

namespace millrace::refine {

/// The moments at which something is due: a cron expression by the clocks of a time zone. A time that the clocks leave
/// out when they go forward is due at the moment they do; one that they show twice when they go back is due the first
/// time, and both times where the expression restricts no hours (so that every hour has its run).
class Times {
 public:
  /// `zone` is a name of the IANA database, such as Europe/Berlin. Error kConfig for an expression that is none or
  /// never comes, and for a zone that this machine does not know.
  Times(const std::string& expression, const std::string& zone);

  /// The first moment later than `after`.
  Timestamp Next(Timestamp after) const;

  const std::string& expression() const { return expression_; }
  const std::string& zone() const { return zone_name_; }

 private:
  std::string expression_;
  std::string zone_name_;
  CronExpression cron_;
  const date::time_zone* zone_;
};

}  // namespace millrace::refine
