"""Query parameters: which class each belongs to. None of them selects another object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from url_rewriter.urls.model import Remark

# V2 and V4 signatures, Google's and AWS's spelling; names are compared in lower case.
_SIGNATURE = re.compile(
    r"x-goog-(?!user-project)[\w-]+|x-amz-[\w-]+|googleaccessid|awsaccesskeyid|expires|signature"
    r"|[jq]k"  # the redirect's own keys on apidata.googleusercontent.com
)
_TOKEN = re.compile(r"token|downloadtokens?|access_token|oauth_token|id_token|auth")
_GENERATION = re.compile(r"generation|metageneration|versionid")
_API = re.compile(
    r"alt|userproject|x-goog-user-project|prettyprint|projection|fields|key|authuser|x-id|quotauser"
    r"|userip|callback|pli|if(?:meta)?generation(?:not)?match|response-[\w-]+|\$\.xgafv|\$alt"
    r"|upload_protocol|ddt|acl_alt"
)
_UPLOAD = re.compile(r"upload_?id|uploads|uploadtype|partnumber")
_SUB_RESOURCE = re.compile(
    r"acl|compose|cors|encryption|iam|legal-hold|lifecycle|logging|retention|tagging|torrent"
)
_LISTING = re.compile(
    r"prefix|delimiter|marker|max-keys|list-type|maxresults|pagetoken|continuation-token|versions"
    r"|start-after|startoffset|endoffset|location|policy|versioning|website|storageclass|billing"
)


@dataclass(frozen=True, slots=True)
class SortedQuery:
    """A query string, sorted: what was lost, and ``unknown``, the rest of it as it was."""

    remarks: tuple[Remark, ...] = ()
    unknown: str = ""
    upload: bool = False
    sub_resource: bool = False
    listing: bool = False


NO_QUERY = SortedQuery()


def sort_query(raw: str) -> SortedQuery:
    """Tell credentials, pins, API parameters and unknown ones apart.

    >>> sort_query("alt=media&v=3&X-Goog-Signature=00").unknown
    'v=3'
    """
    if not raw:
        return NO_QUERY
    remarks: dict[Remark, None] = {}
    unknown = []
    upload = sub_resource = listing = False
    for parameter in raw.split("&"):
        name, _, value = parameter.partition("=")
        name = name.lower()
        upload = upload or _UPLOAD.fullmatch(name) is not None
        sub_resource = sub_resource or (_SUB_RESOURCE.fullmatch(name) is not None and not value)
        listing = listing or _LISTING.fullmatch(name) is not None
        if remark := parameter_class(name):
            remarks[remark] = None
        elif parameter:
            unknown.append(parameter)
    if unknown:
        remarks[Remark.DROPPED_QUERY] = None
    return SortedQuery(tuple(remarks), "&".join(unknown), upload, sub_resource, listing)


@lru_cache(maxsize=1024)
def parameter_class(name: str) -> Remark | None:
    """What dropping the parameter called ``name`` (lower case) loses; None for an unknown one."""
    for pattern, remark in (
        (_SIGNATURE, Remark.DROPPED_SIGNATURE),
        (_TOKEN, Remark.DROPPED_TOKEN),
        (_GENERATION, Remark.DROPPED_GENERATION),
        (_API, Remark.DROPPED_PARAMETERS),
    ):
        if pattern.fullmatch(name):
            return remark
    return None


# How signing image proxies spell it: imgix `s`, Cloudinary `s--..--`, Thumbor's and imgproxy's
# path segment, CDN tokens.
_OUTER_SIGNATURE = re.compile(
    r"[?&;](?:amp;)?(?:s|sig|sign|signature|hmac|hash|h|md5|mac|token|auth|oh|policy|key-pair-id"
    r"|x-(?:amz|goog)-signature|verify|digest|checksum)=[^&#]"
    r"|/s--[\w-]{8,}--/|\A[^/?#]*//[^/?#]+/(?!unsafe|insecure)[\w-]{27,}={0,2}/",
    re.IGNORECASE,
)


def looks_signed(url: str) -> bool:
    """Whether a foreign URL carries what looks like a signature over its other parts."""
    return _OUTER_SIGNATURE.search(url) is not None
