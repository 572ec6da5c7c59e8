"""Say it before it is sent: validation, defaults and lint, without a cluster.

```python
from matrixinfer_client.validation import lint, validate

print(validate("examples/manifests/"))       # what the API server and the webhooks would refuse
print(lint("examples/manifests/"))           # what they would accept and what would then break
```
"""

from matrixinfer_client.validation.defaulting import Default, Defaults, defaults
from matrixinfer_client.validation.formats import as_annotations, as_json, as_text
from matrixinfer_client.validation.linting import RULES, Finding, Findings, Rule, lint
from matrixinfer_client.validation.results import FieldError, ObjectRef, Report
from matrixinfer_client.validation.rules import CelRuleError, CelUnavailableError
from matrixinfer_client.validation.validating import validate

__all__ = [
    "RULES",
    "CelRuleError",
    "CelUnavailableError",
    "Default",
    "Defaults",
    "FieldError",
    "Finding",
    "Findings",
    "ObjectRef",
    "Report",
    "Rule",
    "as_annotations",
    "as_json",
    "as_text",
    "defaults",
    "lint",
    "validate",
]
