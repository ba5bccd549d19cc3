#include "failover/health_rule.h"

bool health_rule_count(struct health_rule *rule, bool success, unsigned fall, unsigned rise)
{
    enum health before = rule->health;
    rule->successes = !success ? 0 : rule->successes < rise ? rule->successes + 1 : rise;
    rule->failures = success ? 0 : rule->failures < fall ? rule->failures + 1 : fall;
    if (rule->successes >= rise && success)
        rule->health = HEALTH_UP;
    else if (rule->failures >= fall && !success)
        rule->health = HEALTH_DOWN;
    return rule->health != before;
}
