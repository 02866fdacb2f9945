// SPDX-License-Identifier: AGPL-3.0-or-later
// Test top: one to three kernel masters (AXI4) through shell_axi4_to_axi3 and shell_axi_mux. The AXI3 side is shown with AXI4 widths
// (LEN 8, SIZE 3 bits) because the bus models know AXI4 only.
`default_nettype none
module memory_path #(
    parameter N = 1,
    parameter S_DATA_WIDTH = 64,
    parameter M_DATA_WIDTH = 64
) (
    input wire clk,
    input wire reset_n,
`define MASTER(p) \
    input wire [1:0] p``_AWID, input wire [63:0] p``_AWADDR, input wire [7:0] p``_AWLEN, input wire [2:0] p``_AWSIZE, \
    input wire [1:0] p``_AWBURST, input wire p``_AWVALID, output wire p``_AWREADY, \
    input wire [S_DATA_WIDTH-1:0] p``_WDATA, input wire [S_DATA_WIDTH/8-1:0] p``_WSTRB, input wire p``_WLAST, \
    input wire p``_WVALID, output wire p``_WREADY, \
    output wire [1:0] p``_BID, output wire [1:0] p``_BRESP, output wire p``_BVALID, input wire p``_BREADY, \
    input wire [1:0] p``_ARID, input wire [63:0] p``_ARADDR, input wire [7:0] p``_ARLEN, input wire [2:0] p``_ARSIZE, \
    input wire [1:0] p``_ARBURST, input wire p``_ARVALID, output wire p``_ARREADY, \
    output wire [1:0] p``_RID, output wire [S_DATA_WIDTH-1:0] p``_RDATA, output wire [1:0] p``_RRESP, output wire p``_RLAST, \
    output wire p``_RVALID, input wire p``_RREADY,
    `MASTER(s0)
    `MASTER(s1)
    `MASTER(s2)
    output wire [5:0] m_AWID,
    output wire [31:0] m_AWADDR,
    output wire [7:0] m_AWLEN,
    output wire [2:0] m_AWSIZE,
    output wire [1:0] m_AWBURST,
    output wire m_AWVALID,
    input wire m_AWREADY,
    output wire [5:0] m_WID,
    output wire [M_DATA_WIDTH-1:0] m_WDATA,
    output wire [M_DATA_WIDTH/8-1:0] m_WSTRB,
    output wire m_WLAST,
    output wire m_WVALID,
    input wire m_WREADY,
    input wire [5:0] m_BID,
    input wire [1:0] m_BRESP,
    input wire m_BVALID,
    output wire m_BREADY,
    output wire [5:0] m_ARID,
    output wire [31:0] m_ARADDR,
    output wire [7:0] m_ARLEN,
    output wire [2:0] m_ARSIZE,
    output wire [1:0] m_ARBURST,
    output wire m_ARVALID,
    input wire m_ARREADY,
    input wire [5:0] m_RID,
    input wire [M_DATA_WIDTH-1:0] m_RDATA,
    input wire [1:0] m_RRESP,
    input wire m_RLAST,
    input wire m_RVALID,
    output wire m_RREADY
);
    localparam M = M_DATA_WIDTH;
    wire [3*32-1:0] awaddr, araddr;
    wire [3*4-1:0] awlen, arlen;
    wire [2:0] awvalid, awready, wlast, wvalid, wready, bvalid, bready, arvalid, arready, rlast, rvalid, rready;
    wire [3*M-1:0] wdata, rdata;
    wire [3*M/8-1:0] wstrb;
    wire [3*2-1:0] bresp, rresp;

`define ADAPTER(p, i) \
    if (i < N) begin : adapter``i \
        shell_axi4_to_axi3 #(.S_DATA_WIDTH(S_DATA_WIDTH), .M_DATA_WIDTH(M), .S_ID_WIDTH(2), .S_ADDR_WIDTH(64)) dut ( \
            .clk(clk), .reset_n(reset_n), \
            .s_axi_AWID(p``_AWID), .s_axi_AWADDR(p``_AWADDR), .s_axi_AWLEN(p``_AWLEN), .s_axi_AWSIZE(p``_AWSIZE), \
            .s_axi_AWBURST(p``_AWBURST), .s_axi_AWVALID(p``_AWVALID), .s_axi_AWREADY(p``_AWREADY), \
            .s_axi_WDATA(p``_WDATA), .s_axi_WSTRB(p``_WSTRB), .s_axi_WLAST(p``_WLAST), .s_axi_WVALID(p``_WVALID), \
            .s_axi_WREADY(p``_WREADY), .s_axi_BID(p``_BID), .s_axi_BRESP(p``_BRESP), .s_axi_BVALID(p``_BVALID), \
            .s_axi_BREADY(p``_BREADY), .s_axi_ARID(p``_ARID), .s_axi_ARADDR(p``_ARADDR), .s_axi_ARLEN(p``_ARLEN), \
            .s_axi_ARSIZE(p``_ARSIZE), .s_axi_ARBURST(p``_ARBURST), .s_axi_ARVALID(p``_ARVALID), .s_axi_ARREADY(p``_ARREADY), \
            .s_axi_RID(p``_RID), .s_axi_RDATA(p``_RDATA), .s_axi_RRESP(p``_RRESP), .s_axi_RLAST(p``_RLAST), \
            .s_axi_RVALID(p``_RVALID), .s_axi_RREADY(p``_RREADY), \
            .m_axi_AWADDR(awaddr[i*32 +: 32]), .m_axi_AWLEN(awlen[i*4 +: 4]), .m_axi_AWVALID(awvalid[i]), .m_axi_AWREADY(awready[i]), \
            .m_axi_WDATA(wdata[i*M +: M]), .m_axi_WSTRB(wstrb[i*M/8 +: M/8]), .m_axi_WLAST(wlast[i]), .m_axi_WVALID(wvalid[i]), \
            .m_axi_WREADY(wready[i]), .m_axi_BRESP(bresp[i*2 +: 2]), .m_axi_BVALID(bvalid[i]), .m_axi_BREADY(bready[i]), \
            .m_axi_ARADDR(araddr[i*32 +: 32]), .m_axi_ARLEN(arlen[i*4 +: 4]), .m_axi_ARVALID(arvalid[i]), .m_axi_ARREADY(arready[i]), \
            .m_axi_RDATA(rdata[i*M +: M]), .m_axi_RRESP(rresp[i*2 +: 2]), .m_axi_RLAST(rlast[i]), .m_axi_RVALID(rvalid[i]), \
            .m_axi_RREADY(rready[i])); \
    end
    generate
        `ADAPTER(s0, 0)
        `ADAPTER(s1, 1)
        `ADAPTER(s2, 2)
    endgenerate

    shell_axi_mux #(.N(N), .DATA_WIDTH(M), .ID_WIDTH(6), .CACHE(4'b0011), .USER(5'b00000)) mux (
        .clk(clk), .reset_n(reset_n),
        .s_axi_AWADDR(awaddr[N*32-1:0]), .s_axi_AWLEN(awlen[N*4-1:0]), .s_axi_AWVALID(awvalid[N-1:0]), .s_axi_AWREADY(awready[N-1:0]),
        .s_axi_WDATA(wdata[N*M-1:0]), .s_axi_WSTRB(wstrb[N*M/8-1:0]), .s_axi_WLAST(wlast[N-1:0]), .s_axi_WVALID(wvalid[N-1:0]),
        .s_axi_WREADY(wready[N-1:0]), .s_axi_BRESP(bresp[N*2-1:0]), .s_axi_BVALID(bvalid[N-1:0]), .s_axi_BREADY(bready[N-1:0]),
        .s_axi_ARADDR(araddr[N*32-1:0]), .s_axi_ARLEN(arlen[N*4-1:0]), .s_axi_ARVALID(arvalid[N-1:0]), .s_axi_ARREADY(arready[N-1:0]),
        .s_axi_RDATA(rdata[N*M-1:0]), .s_axi_RRESP(rresp[N*2-1:0]), .s_axi_RLAST(rlast[N-1:0]), .s_axi_RVALID(rvalid[N-1:0]),
        .s_axi_RREADY(rready[N-1:0]),
        .m_axi_AWID(m_AWID), .m_axi_AWADDR(m_AWADDR), .m_axi_AWLEN(m_AWLEN[3:0]), .m_axi_AWSIZE(m_AWSIZE[1:0]), .m_axi_AWBURST(m_AWBURST),
        .m_axi_AWLOCK(), .m_axi_AWCACHE(), .m_axi_AWPROT(), .m_axi_AWQOS(), .m_axi_AWUSER(),
        .m_axi_AWVALID(m_AWVALID), .m_axi_AWREADY(m_AWREADY), .m_axi_WID(m_WID), .m_axi_WDATA(m_WDATA), .m_axi_WSTRB(m_WSTRB),
        .m_axi_WLAST(m_WLAST), .m_axi_WVALID(m_WVALID), .m_axi_WREADY(m_WREADY), .m_axi_BID(m_BID), .m_axi_BRESP(m_BRESP),
        .m_axi_BVALID(m_BVALID), .m_axi_BREADY(m_BREADY),
        .m_axi_ARID(m_ARID), .m_axi_ARADDR(m_ARADDR), .m_axi_ARLEN(m_ARLEN[3:0]), .m_axi_ARSIZE(m_ARSIZE[1:0]), .m_axi_ARBURST(m_ARBURST),
        .m_axi_ARLOCK(), .m_axi_ARCACHE(), .m_axi_ARPROT(), .m_axi_ARQOS(), .m_axi_ARUSER(),
        .m_axi_ARVALID(m_ARVALID), .m_axi_ARREADY(m_ARREADY), .m_axi_RID(m_RID), .m_axi_RDATA(m_RDATA), .m_axi_RRESP(m_RRESP),
        .m_axi_RLAST(m_RLAST), .m_axi_RVALID(m_RVALID), .m_axi_RREADY(m_RREADY)
    );
    assign m_AWLEN[7:4] = 4'd0;
    assign m_ARLEN[7:4] = 4'd0;
    assign m_AWSIZE[2] = 1'b0;
    assign m_ARSIZE[2] = 1'b0;
endmodule
`default_nettype wire
