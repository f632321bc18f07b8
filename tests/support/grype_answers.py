"""What Grype 0.121.3 found in inventories by a database of the tests, recorded; `test_matching.py` has the comparison.

To record it anew after a change of `SAID`: put `grype` on PATH, and take what the live test shows.
"""

from __future__ import annotations

from support.grype import V31, Said

SAID = [
    Said(
        "CVE-2026-1001",
        "debian12",
        "openssl",
        (("< 3.0.11-1~deb12u2", "3.0.11-1~deb12u2", "fixed"),),
        ratings=("critical",),
    ),
    Said("CVE-2026-1002", "debian12", "curl", (("", "", "not-fixed"),)),
    Said("CVE-2026-1003", "debian12", "curl", (("", "", "wont-fix"),), ratings=("negligible",)),
    Said("CVE-2026-1004", "debian12", "vim", (("< 2:9.0.1378-3", "2:9.0.1378-3", "fixed"),)),
    Said("CVE-2026-1005", "sid", "openssl", (("< 3.5.0-1", "3.5.0-1", "fixed"),)),
    Said("CVE-2026-1006", "ubuntu", "openssl", (("< 3.0.2-0ubuntu1.12", "3.0.2-0ubuntu1.12", "fixed"),)),
    Said("CVE-2026-1007", "debian10", "openssl", (("< 1.1.1n-0+deb10u6", "1.1.1n-0+deb10u6", "fixed"),)),
    Said("CVE-2026-1010", "alpine318", "openssl", (("< 3.1.5-r0", "3.1.5-r0", "fixed"),)),
    Said("CVE-2026-1011", "alpine318", "openssl", (("< 0", "0", "fixed"),)),
    Said(
        "CVE-2026-1012",
        "alpine318",
        "busybox",
        (("< 1.36.1_git20260101-r0", "1.36.1_git20260101-r0", "fixed"),),
    ),
    Said("CVE-2026-1013", "alpine317", "openssl", (("< 3.0.13-r0", "3.0.13-r0", "fixed"),)),
    Said("CVE-2026-1014", "wolfi", "openssl", (("< 3.4.0-r1", "3.4.0-r1", "fixed"),)),
    Said("CVE-2026-1015", "edge", "openssl", (("< 3.4.0-r1", "3.4.0-r1", "fixed"),)),
    Said("CVE-2026-1020", "rhel9", "openssl", (("< 1:3.0.7-16.el9_2", "1:3.0.7-16.el9_2", "fixed"),)),
    Said("CVE-2026-1021", "rhel9", "openssl-libs", (("< 1:3.0.7-18.el9_2", "1:3.0.7-18.el9_2", "fixed"),)),
    Said(
        "CVE-2026-1022",
        "rhel9",
        "nodejs",
        (("< 1:18.19.0-1.module+el9", "1:18.19.0-1.module+el9", "fixed"),),
        qualifiers={"rpm_modularity": "nodejs:18"},
    ),
    Said("CVE-2026-1023", "rhel9", "perl", (("< 4:5.32.1-481.el9", "4:5.32.1-481.el9", "fixed"),)),
    Said("CVE-2026-1024", "rhel9", "tar", (("", "", "wont-fix"),)),
    Said("CVE-2026-1025", "rhel9", "bash", (("< 5.1.8-7.el9", "5.1.8-7.el9", "fixed"),)),
    Said("CVE-2026-1025", "rhel9", "bash", ((">= 5.1.8-6.el9", "", ""),), unaffected=True),
    Said(
        "CVE-2026-1026",
        "rhel9",
        "zlib",
        (("< 0:1.2.11-41.el9", "0:1.2.11-41.el9", "fixed"),),
        qualifiers={"architecture": "aarch64"},
    ),
    Said(
        "CVE-2026-1027",
        "rhel9",
        "glibc",
        (("< 0:2.34-61.el9", "0:2.34-61.el9", "fixed"),),
        qualifiers={"architecture": "x86_64"},
    ),
    Said(
        "ALSA-2026:1",
        "alma9",
        "openssl",
        ((">= 1:3.0.7-17.el9_2", "", ""),),
        aliases=("CVE-2026-1020",),
        unaffected=True,
    ),
    Said(
        "ALSA-2026:2",
        "alma9",
        "openssl-libs",
        ((">= 1:3.0.7-5.el9_2", "", ""),),
        aliases=("CVE-2026-1021",),
        unaffected=True,
    ),
    Said(
        "ELSA-2026-1",
        "oracle8",
        "openssl",
        (("< 1:1.1.1k-9.el8", "1:1.1.1k-9.el8", "fixed"),),
        aliases=("CVE-2026-1030",),
    ),
    Said(
        "ALAS-2026-1",
        "amazon2",
        "openssl",
        (("< 1:1.0.2k-24.amzn2", "1:1.0.2k-24.amzn2", "fixed"),),
        aliases=("CVE-2026-1031",),
    ),
    Said(
        "GHSA-aaaa-aaaa-0001",
        "npm",
        "lodash",
        (("<4.17.21", "4.17.21", "fixed"),),
        aliases=("CVE-2026-1001",),
        ratings=("critical", V31),
        description="Prototype pollution allows remote code execution",
    ),
    Said(
        "GHSA-aaaa-aaaa-0002",
        "npm",
        "semver-two",
        ((">=1.0.0,<1.2.3", "1.2.3", "fixed"), (">=2.0.0,<2.0.5", "2.0.5", "fixed")),
    ),
    Said("GHSA-aaaa-aaaa-0003", "npm", "@angular/core", (("<11.0.5", "11.0.5", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0004", "npm", "gone", (("<2.0.0", "2.0.0", "fixed"),), status="rejected"),
    Said("GHSA-aaaa-aaaa-0005", "npm", "denied", (("<2.0.0", "2.0.0", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0005", "npm", "denied", (("= 1.5.0", "", ""),), unaffected=True),
    Said("GHSA-aaaa-aaaa-0006", "python", "django", ((">=3.2,<3.2.25", "3.2.25", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0007", "python", "zope-interface", (("<5.0.1", "5.0.1", "fixed"),)),
    Said(
        "GHSA-aaaa-aaaa-0008",
        "go-module",
        "golang.org/x/net",
        (("<0.17.0", "0.17.0", "fixed"),),
        aliases=("CVE-2026-1040",),
    ),
    Said(
        "GO-2026-0008",
        "go-module",
        "golang.org/x/net",
        (("<0.17.0", "0.17.0", "fixed"),),
        aliases=("CVE-2026-1040", "GHSA-aaaa-aaaa-0008"),
        provider="govulndb",
    ),
    Said(
        "GHSA-aaaa-aaaa-0009",
        "java-archive",
        "org.apache.logging.log4j:log4j-core",
        ((">=2.0-beta9,<2.15.0", "2.15.0", "fixed"),),
    ),
    Said("GHSA-aaaa-aaaa-0010", "gem", "rack", (("<2.2.6.2", "2.2.6.2", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0011", "rust-crate", "time", ((">=0.1.0,<0.2.23", "0.2.23", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0012", "dotnet", "Newtonsoft.Json", (("<13.0.1", "13.0.1", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0013", "php-composer", "guzzlehttp/psr7", (("<1.8.4", "1.8.4", "fixed"),)),
    Said("GHSA-aaaa-aaaa-0014", "npm", "early", (("<=2.0.0-beta.3", "", ""),)),
    Said("GHSA-aaaa-aaaa-0015", "npm", "wide", (("", "", "not-fixed"),)),
    Said("GHSA-aaaa-aaaa-0016", "python", "localver", (("<1.0.1", "1.0.1", "fixed"),)),
    Said(
        "GHSA-aaaa-aaaa-0017",
        "npm",
        "wordy",
        (("<2.0.0", "2.0.0", "fixed"),),
        qualifiers={"platform_cpes": ["cpe:2.3:a:wordpress:wordpress:*:*:*:*:*:*:*:*"]},
    ),
    Said("CVE-2026-1040", "", "", (), provider="nvd", ratings=(V31,), description="HTTP/2 rapid reset"),
]
ANSWERS = {
    ("debian", "12"): {
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl": [
            ("CVE-2026-1001", "3.0.11-1~deb12u2")
        ],
        "pkg:deb/debian/libssl-new@3.0.11-1~deb12u2?distro=debian-12&upstream=openssl": [],
        "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12": [
            ("CVE-2026-1002", ""),
            ("CVE-2026-1003", ""),
        ],
        "pkg:deb/debian/vim@2%3A9.0.1378-2?arch=amd64&distro=debian-12": [("CVE-2026-1004", "2:9.0.1378-3")],
        "pkg:deb/debian/vim-tiny@9.0.1378-2?arch=amd64&distro=debian-12&upstream=vim": [
            ("CVE-2026-1004", "2:9.0.1378-3")
        ],
        "pkg:deb/debian/libnew@5-1?upstream=openssl%403.0.1-1&distro=debian-12": [
            ("CVE-2026-1001", "3.0.11-1~deb12u2")
        ],
        "pkg:npm/lodash@4.17.20": [("GHSA-aaaa-aaaa-0001", "4.17.21")],
        "pkg:npm/wordy@1.0.0": [],
    },
    ("debian", "12.5"): {
        "pkg:deb/debian/openssl@3.0.11-1~deb12u1?arch=amd64": [("CVE-2026-1001", "3.0.11-1~deb12u2")],
    },
    ("debian", "10"): {
        "pkg:deb/debian/openssl@1.1.1n-0%2Bdeb10u5?arch=amd64": [("CVE-2026-1007", "1.1.1n-0+deb10u6")],
    },
    ("debian", "forky"): {
        "pkg:deb/debian/openssl@3.4.0-1?arch=amd64": [("CVE-2026-1005", "3.5.0-1")],
    },
    ("ubuntu", "22.04"): {
        "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.10?arch=amd64": [("CVE-2026-1006", "3.0.2-0ubuntu1.12")],
        "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.12?arch=arm64": [],
    },
    ("alpine", "3.18.4"): {
        "pkg:apk/alpine/openssl@3.1.4-r0?arch=x86_64": [("CVE-2026-1010", "3.1.5-r0")],
        "pkg:apk/alpine/libcrypto3@3.1.4-r0?arch=x86_64&upstream=openssl": [("CVE-2026-1010", "3.1.5-r0")],
        "pkg:apk/alpine/busybox@1.36.1-r9?arch=x86_64": [("CVE-2026-1012", "1.36.1_git20260101-r0")],
        "pkg:apk/alpine/libssl3@3.1.5-r0?upstream=openssl": [],
    },
    ("alpine", "3.99.0"): {
        "pkg:apk/alpine/openssl@3.0.1-r0?arch=x86_64": [
            ("CVE-2026-1010", "3.1.5-r0"),
            ("CVE-2026-1013", "3.0.13-r0"),
        ],
    },
    ("alpine", "3.21.0_alpha20240923"): {
        "pkg:apk/alpine/openssl@3.3.1-r0?arch=x86_64": [("CVE-2026-1015", "3.4.0-r1")],
    },
    ("wolfi", "20230201"): {
        "pkg:apk/wolfi/openssl@3.3.1-r0?arch=x86_64": [("CVE-2026-1014", "3.4.0-r1")],
    },
    ("rhel", "9.3"): {
        "pkg:rpm/redhat/openssl@3.0.7-16.el9?arch=x86_64&epoch=1&upstream=openssl-3.0.7-16.el9.src.rpm": [
            ("CVE-2026-1020", "1:3.0.7-16.el9_2")
        ],
        "pkg:rpm/redhat/openssl-libs@3.0.7-16.el9?arch=x86_64&epoch=1&upstream=openssl-3.0.7-16.el9.src.rpm": [
            ("CVE-2026-1020", "1:3.0.7-16.el9_2"),
            ("CVE-2026-1021", "1:3.0.7-18.el9_2"),
        ],
        "pkg:rpm/redhat/nodejs@18.18.0-1.module%2Bel9?arch=x86_64&epoch=1": [
            ("CVE-2026-1022", "1:18.19.0-1.module+el9")
        ],
        "pkg:rpm/redhat/perl-Errno@1.30-481.el9?arch=x86_64&epoch=0&upstream=perl-5.32.1-481.el9.src.rpm": [],
        "pkg:rpm/redhat/perl-Old@1.30-480.el9?arch=x86_64&epoch=0&upstream=perl-5.32.1-480.el9.src.rpm": [
            ("CVE-2026-1023", "4:5.32.1-481.el9")
        ],
        "pkg:rpm/redhat/tar@1.34-6.el9?arch=x86_64": [("CVE-2026-1024", "")],
        "pkg:rpm/redhat/bash@5.1.8-6.el9?arch=x86_64": [("CVE-2026-1025", "5.1.8-7.el9")],
        "pkg:rpm/redhat/zlib@1.2.11-40.el9?arch=x86_64": [],
        "pkg:rpm/redhat/glibc@2.34-60.el9?arch=x86_64": [("CVE-2026-1027", "0:2.34-61.el9")],
    },
    ("centos", "9"): {
        "pkg:rpm/centos/openssl@3.0.7-1.el9?arch=x86_64&epoch=1": [("CVE-2026-1020", "1:3.0.7-16.el9_2")],
    },
    ("rocky", "9.2"): {
        "pkg:rpm/rocky/openssl@3.0.7-1.el9?arch=x86_64&epoch=1": [("CVE-2026-1020", "1:3.0.7-16.el9_2")],
    },
    ("almalinux", "9.2"): {
        "pkg:rpm/almalinux/openssl@3.0.7-1.el9?arch=x86_64&epoch=1": [("CVE-2026-1020", "1:3.0.7-17.el9_2")],
        "pkg:rpm/almalinux/openssl-libs@3.0.7-6.el9?arch=x86_64&epoch=1&upstream=openssl-3.0.7-6.el9.src.rpm": [
            ("CVE-2026-1020", "1:3.0.7-17.el9_2")
        ],
        "pkg:rpm/almalinux/openssl-debuginfo@3.0.7-1.el9?arch=x86_64&epoch=1": [],
    },
    ("ol", "8.8"): {
        "pkg:rpm/ol/openssl@1.1.1k-8.el8?arch=x86_64&epoch=1": [("ELSA-2026-1", "1:1.1.1k-9.el8")],
    },
    ("amzn", "2"): {
        "pkg:rpm/amzn/openssl@1.0.2k-19.amzn2?arch=x86_64&epoch=1": [("ALAS-2026-1", "1:1.0.2k-24.amzn2")],
    },
    None: {
        "pkg:npm/lodash@4.17.20": [("GHSA-aaaa-aaaa-0001", "4.17.21")],
        "pkg:npm/lodash@4.17.21": [],
        "pkg:npm/lodash@4.17.21-rc1": [("GHSA-aaaa-aaaa-0001", "4.17.21")],
        "pkg:npm/semver-two@1.2.2": [("GHSA-aaaa-aaaa-0002", "1.2.3, 2.0.5")],
        "pkg:npm/semver-two@1.2.4": [],
        "pkg:npm/semver-two@2.0.0": [("GHSA-aaaa-aaaa-0002", "1.2.3, 2.0.5")],
        "pkg:npm/%40angular/core@11.0.4": [("GHSA-aaaa-aaaa-0003", "11.0.5")],
        "pkg:npm/gone@1.0.0": [],
        "pkg:npm/denied@1.4.0": [("GHSA-aaaa-aaaa-0005", "2.0.0")],
        "pkg:npm/denied@1.5.0": [],
        "pkg:pypi/Django@3.2.24": [("GHSA-aaaa-aaaa-0006", "3.2.25")],
        "pkg:pypi/Django@4.0": [],
        "pkg:pypi/zope.interface@5.0.0": [("GHSA-aaaa-aaaa-0007", "5.0.1")],
        "pkg:golang/golang.org/x/net@v0.1.0": [("GHSA-aaaa-aaaa-0008", "0.17.0"), ("GO-2026-0008", "0.17.0")],
        "pkg:golang/golang.org/x/net@v0.17.0": [],
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1": [("GHSA-aaaa-aaaa-0009", "2.15.0")],
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.0-beta9": [("GHSA-aaaa-aaaa-0009", "2.15.0")],
        "pkg:maven/org.apache.logging.log4j/log4j-core@2.0-beta8": [],
        "pkg:gem/rack@2.2.6.1": [("GHSA-aaaa-aaaa-0010", "2.2.6.2")],
        "pkg:gem/rack@2.2.6.2": [],
        "pkg:cargo/time@0.2.22": [("GHSA-aaaa-aaaa-0011", "0.2.23")],
        "pkg:nuget/Newtonsoft.Json@12.0.3": [("GHSA-aaaa-aaaa-0012", "13.0.1")],
        "pkg:composer/guzzlehttp/psr7@1.8.3": [("GHSA-aaaa-aaaa-0013", "1.8.4")],
        "pkg:npm/early@2.0.0-beta.2": [("GHSA-aaaa-aaaa-0014", "")],
        "pkg:npm/early@2.0.0": [],
        "pkg:npm/wide@9.9.9": [("GHSA-aaaa-aaaa-0015", "")],
        "pkg:pypi/localver@1.0.1%2Bcu118": [],
        "pkg:pypi/localver@1.0.0.post1": [("GHSA-aaaa-aaaa-0016", "1.0.1")],
        "pkg:npm/lodash@not-a-version": [("GHSA-aaaa-aaaa-0001", "4.17.21")],
        "pkg:pypi/django@bad": [],
        "pkg:npm/lodash@4.17": [("GHSA-aaaa-aaaa-0001", "4.17.21")],
    },
}
"""By the distribution, and by package URL: ids, and what fixes them."""
