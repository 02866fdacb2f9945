// SPDX-License-Identifier: AGPL-3.0-or-later
// AXI3 slave for PS7 M_AXI_GP0/1 to an AXI4-Lite master: one AXI4-Lite access a beat, one write and one read at a time.
// Everything that comes from or goes to the PS7 is a register. Write data may come before its address; it waits.
`default_nettype none
module shell_gp_to_axil #(
    parameter ID_WIDTH = 12
) (
    input  wire                clk,
    input  wire                reset_n,
    input  wire [ID_WIDTH-1:0] s_axi_AWID,
    input  wire [31:0]         s_axi_AWADDR,
    input  wire [3:0]          s_axi_AWLEN,
    input  wire [1:0]          s_axi_AWSIZE,
    input  wire [1:0]          s_axi_AWBURST,
    input  wire                s_axi_AWVALID,
    output wire                s_axi_AWREADY,
    input  wire [31:0]         s_axi_WDATA,
    input  wire [3:0]          s_axi_WSTRB,
    input  wire                s_axi_WLAST,
    input  wire                s_axi_WVALID,
    output wire                s_axi_WREADY,
    output wire [ID_WIDTH-1:0] s_axi_BID,
    output wire [1:0]          s_axi_BRESP,
    output wire                s_axi_BVALID,
    input  wire                s_axi_BREADY,
    input  wire [ID_WIDTH-1:0] s_axi_ARID,
    input  wire [31:0]         s_axi_ARADDR,
    input  wire [3:0]          s_axi_ARLEN,
    input  wire [1:0]          s_axi_ARSIZE,
    input  wire [1:0]          s_axi_ARBURST,
    input  wire                s_axi_ARVALID,
    output wire                s_axi_ARREADY,
    output wire [ID_WIDTH-1:0] s_axi_RID,
    output wire [31:0]         s_axi_RDATA,
    output wire [1:0]          s_axi_RRESP,
    output wire                s_axi_RLAST,
    output wire                s_axi_RVALID,
    input  wire                s_axi_RREADY,
    output wire [31:0]         m_axi_AWADDR,
    output wire                m_axi_AWVALID,
    input  wire                m_axi_AWREADY,
    output wire [31:0]         m_axi_WDATA,
    output wire [3:0]          m_axi_WSTRB,
    output wire                m_axi_WVALID,
    input  wire                m_axi_WREADY,
    input  wire [1:0]          m_axi_BRESP,
    input  wire                m_axi_BVALID,
    output wire                m_axi_BREADY,
    output wire [31:0]         m_axi_ARADDR,
    output wire                m_axi_ARVALID,
    input  wire                m_axi_ARREADY,
    input  wire [31:0]         m_axi_RDATA,
    input  wire [1:0]          m_axi_RRESP,
    input  wire                m_axi_RVALID,
    output wire                m_axi_RREADY
);
    localparam [2:0] RESET = 0, ADDRESS = 1, BEAT = 2, SEND = 3, ANSWER = 4, RESPOND = 5;

    reg reset;
    always @(posedge clk) reset <= !reset_n;

    // bits of the address that a burst steps through: none (FIXED), all (INCR), or those within len+1 (2, 4, 8 or 16) beats (WRAP)
    function [6:0] moving;
        input [3:0] len;
        input [1:0] size;
        input [1:0] burst;
        moving = burst == 2'b00 ? 7'd0 : burst == 2'b01 ? 7'h7f : ({3'b000, len} << size) | {5'd0, size[1], |size};
    endfunction

    // writes
    reg [2:0] wstate;
    reg [ID_WIDTH-1:0] wid;
    reg [31:0] waddr, wdata;
    reg [3:0] wcount, wstrb;
    reg [1:0] wresp;
    reg awready, wready, awvalid, wvalid;
    reg [1:0] wlow;     // low address bits that lie within a beat
    reg [6:0] wmoving;  // bit 6 stands for all from 6 on
    reg [31:0] wnext;   // address of the next beat, one cycle after waddr
    wire [31:0] wmask = {{26{wmoving[6]}}, wmoving[5:0]};
    wire [31:0] wsum = (waddr | {30'd0, wlow}) + 32'd1;

    always @(posedge clk) wnext <= (wsum & wmask) | (waddr & ~wmask);

    assign s_axi_AWREADY = awready;
    assign s_axi_WREADY = wready;
    assign s_axi_BID = wid;
    assign s_axi_BRESP = wresp;
    assign s_axi_BVALID = wstate == RESPOND;
    assign m_axi_AWADDR = waddr;
    assign m_axi_AWVALID = awvalid;
    assign m_axi_WDATA = wdata;
    assign m_axi_WSTRB = wstrb;
    assign m_axi_WVALID = wvalid;
    assign m_axi_BREADY = wstate == ANSWER;

    always @(posedge clk)
        if (reset) begin
            wstate <= RESET;
            wid <= 0;
            waddr <= 32'd0;
            wdata <= 32'd0;
            wstrb <= 4'd0;
            wcount <= 4'd0;
            wlow <= 2'd0;
            wmoving <= 7'd0;
            wresp <= 2'b00;
            awready <= 1'b0;
            wready <= 1'b0;
            awvalid <= 1'b0;
            wvalid <= 1'b0;
        end else
            case (wstate)
                ADDRESS:
                    if (s_axi_AWVALID) begin
                        wid <= s_axi_AWID;
                        waddr <= s_axi_AWADDR;
                        wcount <= s_axi_AWLEN;
                        wlow <= {s_axi_AWSIZE[1], |s_axi_AWSIZE};
                        wmoving <= moving(s_axi_AWLEN, s_axi_AWSIZE[1] ? 2'd2 : s_axi_AWSIZE, s_axi_AWBURST);
                        wresp <= 2'b00;
                        awready <= 1'b0;
                        wready <= 1'b1;
                        wstate <= BEAT;
                    end
                BEAT:
                    if (s_axi_WVALID) begin
                        wdata <= s_axi_WDATA;
                        wstrb <= s_axi_WSTRB;
                        wready <= 1'b0;
                        awvalid <= 1'b1;
                        wvalid <= 1'b1;
                        wstate <= SEND;
                    end
                SEND: begin
                    if (m_axi_AWREADY) awvalid <= 1'b0;
                    if (m_axi_WREADY) wvalid <= 1'b0;
                    if ((!awvalid || m_axi_AWREADY) && (!wvalid || m_axi_WREADY)) wstate <= ANSWER;
                end
                ANSWER:
                    if (m_axi_BVALID) begin
                        if (m_axi_BRESP > wresp) wresp <= m_axi_BRESP;
                        waddr <= wnext;
                        wcount <= wcount - 4'd1;
                        wready <= wcount != 0;
                        wstate <= wcount == 0 ? RESPOND : BEAT;
                    end
                RESPOND:
                    if (s_axi_BREADY) begin
                        awready <= 1'b1;
                        wstate <= ADDRESS;
                    end
                default: begin
                    awready <= 1'b1;
                    wstate <= ADDRESS;
                end
            endcase

    // reads
    reg [2:0] rstate;
    reg [ID_WIDTH-1:0] rid;
    reg [31:0] raddr, rdata;
    reg [3:0] rcount;
    reg [1:0] rresp;
    reg arready;
    reg [1:0] rlow;     // low address bits that lie within a beat
    reg [6:0] rmoving;  // bit 6 stands for all from 6 on
    reg [31:0] rnext;   // address of the next beat, one cycle after raddr
    wire [31:0] rmask = {{26{rmoving[6]}}, rmoving[5:0]};
    wire [31:0] rsum = (raddr | {30'd0, rlow}) + 32'd1;

    always @(posedge clk) rnext <= (rsum & rmask) | (raddr & ~rmask);

    assign s_axi_ARREADY = arready;
    assign s_axi_RID = rid;
    assign s_axi_RDATA = rdata;
    assign s_axi_RRESP = rresp;
    assign s_axi_RLAST = rcount == 0;
    assign s_axi_RVALID = rstate == RESPOND;
    assign m_axi_ARADDR = raddr;
    assign m_axi_ARVALID = rstate == SEND;
    assign m_axi_RREADY = rstate == ANSWER;

    always @(posedge clk)
        if (reset) begin
            rstate <= RESET;
            rid <= 0;
            raddr <= 32'd0;
            rdata <= 32'd0;
            rcount <= 4'd0;
            rlow <= 2'd0;
            rmoving <= 7'd0;
            rresp <= 2'b00;
            arready <= 1'b0;
        end else
            case (rstate)
                ADDRESS:
                    if (s_axi_ARVALID) begin
                        rid <= s_axi_ARID;
                        raddr <= s_axi_ARADDR;
                        rcount <= s_axi_ARLEN;
                        rlow <= {s_axi_ARSIZE[1], |s_axi_ARSIZE};
                        rmoving <= moving(s_axi_ARLEN, s_axi_ARSIZE[1] ? 2'd2 : s_axi_ARSIZE, s_axi_ARBURST);
                        arready <= 1'b0;
                        rstate <= SEND;
                    end
                SEND: if (m_axi_ARREADY) rstate <= ANSWER;
                ANSWER:
                    if (m_axi_RVALID) begin
                        rdata <= m_axi_RDATA;
                        rresp <= m_axi_RRESP;
                        rstate <= RESPOND;
                    end
                RESPOND:
                    if (s_axi_RREADY) begin
                        raddr <= rnext;
                        rcount <= rcount - 4'd1;
                        arready <= rcount == 0;
                        rstate <= rcount == 0 ? ADDRESS : SEND;
                    end
                default: begin
                    arready <= 1'b1;
                    rstate <= ADDRESS;
                end
            endcase

    wire unused = &{1'b0, s_axi_WLAST};
endmodule
`default_nettype wire
